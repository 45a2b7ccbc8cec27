# Labelled target images, for the oracle;
# CamVid: sequences 0006R0 and 0016E5 (day, labelled) to 0001TP (dusk). The
# first half of 0001TP in time is adapted to, as images only; the second half
# is evaluated on.
_base_ = './camvid_day2dusk_source.py'
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
        type='CamVidDataset',
        data_root=_base_.camvid_root,
        data_prefix=dict(img_path='images/train', seg_map_path='labels/train'),
        sequences=('0001TP',),
        frames=(0.0, 0.5),
        pipeline=train_pipeline,
    )
)
