# Labelled target images, for the oracle.
_base_ = './camvid_day2dusk_source.py'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='CamVidDataset',
        data_root=_base_.camvid_root,
        data_prefix=dict(img_path='images/train', seg_map_path='labels/train'),
        sequences=('0001TP',),
        frames=(0.0, 0.5),
        pipeline=_base_.train_pipeline,
    )
)
