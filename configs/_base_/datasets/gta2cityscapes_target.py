# Labelled target images, for the oracle.
_base_ = './gta2cityscapes_source.py'
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadLabelIds'),
    dict(type='Resize', scale=_base_.target_scale, keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs', meta_keys=_base_.meta_keys),
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='CityscapesFineDataset',
        data_root=_base_.cityscapes_root,
        data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
        subset=dict(size=500, seed=0),
        pipeline=train_pipeline,
    )
)
