# Labelled source images, evaluated on the target;
# the built-in miniature world; every image of it is used.
_base_ = './common.py'
gta5_root = 'data/minicity/gta5'
cityscapes_root = 'data/minicity/cityscapes'
source_scale = (256, 128)
target_scale = (256, 128)
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
        type='GTA5Dataset',
        data_root=gta5_root,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    num_workers=0,
    dataset=dict(
        type='CityscapesFineDataset',
        data_root=cityscapes_root,
        data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
