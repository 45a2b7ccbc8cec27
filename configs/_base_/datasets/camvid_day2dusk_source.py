# Labelled source images, evaluated on the target;
# CamVid: sequences 0006R0 and 0016E5 (day, labelled) to 0001TP (dusk). The first half
# of 0001TP in time is adapted to, as images only; the second half is evaluated on.
_base_ = './common.py'
camvid_root = 'data/camvid'
source_scale = (192, 144)
target_scale = (192, 144)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadLabelIds'),
    dict(type='Resize', scale=source_scale, keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs', meta_keys=_base_.meta_keys),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=target_scale, keep_ratio=False),
    dict(type='LoadLabelIds'),
    dict(type='PackSegInputs', meta_keys=_base_.meta_keys),
]
tta_pipeline = _base_.tta_pipeline
tta_pipeline[1].transforms[0] = [
    dict(
        type='Resize',
        scale=(int(target_scale[0] * ratio), int(target_scale[1] * ratio)),
        keep_ratio=False,
    )
    for ratio in (0.75, 1.0, 1.25)
]
train_dataloader = dict(
    num_workers=0,
    dataset=dict(
        type='CamVidDataset',
        data_root=camvid_root,
        data_prefix=dict(img_path='images/train', seg_map_path='labels/train'),
        sequences=('0006R0', '0016E5'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    num_workers=0,
    dataset=dict(
        type='CamVidDataset',
        data_root=camvid_root,
        data_prefix=dict(img_path='images/train', seg_map_path='labels/train'),
        sequences=('0001TP',),
        frames=(0.5, 1.0),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
