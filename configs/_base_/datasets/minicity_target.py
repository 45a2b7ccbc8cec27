# Labelled target images, for the oracle.
_base_ = './minicity_source.py'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='CityscapesFineDataset',
        data_root=_base_.cityscapes_root,
        data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
        pipeline=_base_.train_pipeline,
    )
)
