# Drawn streets with labels, each of a look of its own, and real ones: CamVid by day. The
# target is adapted to by sequence 0006R0 and the training frames of 0016E5; figures are
# of the frames of 0016E5 that CamVid's validation list has.
_base_ = './common.py'
minicity_root = 'data/minicity_varied/gta5'
camvid_root = 'data/camvid'
make_data = (
    'segda minicity --varied --out data/minicity_varied --size 320x240 --gta5 400 '
    '--train 0 --val 0'
)
# The classes of both, by name.
class_map = {
    'road': 'Road',
    'sidewalk': 'Pavement',
    'building': 'Building',
    'wall': 'Building',
    'fence': 'Fence',
    'pole': 'Pole',
    'traffic light': 'SignSymbol',
    'traffic sign': 'SignSymbol',
    'vegetation': 'Tree',
    'terrain': 'Tree',
    'sky': 'Sky',
    'person': 'Pedestrian',
    'rider': 'Bicyclist',
    'car': 'Car',
    'truck': 'Car',
    'bus': 'Car',
    'train': 'Car',
    'motorcycle': 'Bicyclist',
    'bicycle': 'Bicyclist',
}
classes = (
    'Sky',
    'Building',
    'Pole',
    'Road',
    'Pavement',
    'Tree',
    'SignSymbol',
    'Fence',
    'Car',
    'Pedestrian',
    'Bicyclist',
)
palette = [
    [128, 128, 128],
    [128, 0, 0],
    [192, 192, 128],
    [128, 64, 128],
    [60, 40, 222],
    [128, 128, 0],
    [192, 128, 128],
    [64, 64, 128],
    [64, 0, 128],
    [64, 64, 0],
    [0, 128, 192],
]
scale = (320, 240)
crop_size = (192, 256)
augmentation = [
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
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadLabelIds'),
    *augmentation,
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
        type='GTA5Dataset',
        data_root=minicity_root,
        metainfo=dict(classes=classes, palette=palette),
        class_map=class_map,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    num_workers=0,
    dataset=dict(
        type='CamVidDataset',
        data_root=camvid_root,
        data_prefix=dict(img_path='images/val', seg_map_path='labels/val'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
