# SYNTHIA for GTA5, with the 16 classes that it shares with Cityscapes.
_base_ = './gta2cityscapes_crops.py'
metainfo = dict(
    classes=(
        'road',
        'sidewalk',
        'building',
        'wall',
        'fence',
        'pole',
        'traffic light',
        'traffic sign',
        'vegetation',
        'sky',
        'person',
        'rider',
        'car',
        'bus',
        'motorcycle',
        'bicycle',
    ),
    palette=[
        [128, 64, 128],
        [244, 35, 232],
        [70, 70, 70],
        [102, 102, 156],
        [190, 153, 153],
        [153, 153, 153],
        [250, 170, 30],
        [220, 220, 0],
        [107, 142, 35],
        [70, 130, 180],
        [220, 20, 60],
        [255, 0, 0],
        [0, 0, 142],
        [0, 60, 100],
        [0, 0, 230],
        [119, 11, 32],
    ],
)
source_dataset = dict(
    type='RareClassDataset',
    temperature=0.01,
    # 3000 pixels of 1280x760.
    min_pixels_share=0.0031,
    statistics_file='work_dirs/class_counts_synthia.json',
    dataset=dict(
        type='SYNTHIADataset',
        data_root='data/synthia',
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadLabelIds'),
            dict(type='Resize', scale=(1280, 760), keep_ratio=False),
            _base_.crop,
            _base_.flip,
            _base_.pack,
        ],
    ),
)
train_dataloader = dict(
    dataset=dict(
        source=dict(_delete_=True, **source_dataset), target=dict(metainfo=metainfo)
    )
)
val_dataloader = dict(dataset=dict(metainfo=metainfo))
test_dataloader = dict(dataset=dict(metainfo=metainfo))
