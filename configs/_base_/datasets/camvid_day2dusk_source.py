# Labelled source images, evaluated on the target;
# CamVid: sequences 0006R0 and 0016E5 (day, labelled) to 0001TP (dusk). The first half
# of 0001TP in time is adapted to, as images only; the second half is evaluated on.
_base_ = './common.py'
camvid_root = 'data/camvid'
scale = (320, 240)
crop_size = (192, 256)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadLabelIds'),
    dict(type='RandomResize', scale=scale, ratio_range=(0.8, 1.5), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='PhotoMetricDistortion',
        brightness_delta=64,
        contrast_range=(0.4, 1.6),
        saturation_range=(0.4, 1.6),
        hue_delta=18,
    ),
    dict(type='PackSegInputs', meta_keys=_base_.meta_keys),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=scale, keep_ratio=False),
    dict(type='LoadLabelIds'),
    dict(type='PackSegInputs', meta_keys=_base_.meta_keys),
]
tta_pipeline = _base_.tta_pipeline
tta_pipeline[1].transforms[0] = [
    dict(
        type='Resize',
        scale=(int(scale[0] * ratio), int(scale[1] * ratio)),
        keep_ratio=False,
    )
    for ratio in (0.75, 1.0, 1.25)
]
train_dataloader = dict(
    batch_size=6,
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
