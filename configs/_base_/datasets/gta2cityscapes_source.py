# Labelled source images, evaluated on the target;
# the subsets of the paper: 500 GTA5 and 500 Cityscapes train images, 250 of
# Cityscapes val, drawn by seed. Evaluated at `target_scale`, as the paper and its code do; with
# val_dataloader.dataset.pipeline.2.scale=None (and test_dataloader...) at the labels' own 2048x1024.
_base_ = './common.py'
gta5_root = 'data/gta5'
cityscapes_root = 'data/cityscapes'
source_scale = (1280, 720)
target_scale = (1024, 512)
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
    dict(type='LoadLabelIds', scale=target_scale),
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
tta_pipeline[1].transforms[2] = [test_pipeline[2]]
train_dataloader = dict(
    dataset=dict(
        type='GTA5Dataset',
        data_root=gta5_root,
        subset=dict(size=500, seed=0),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='CityscapesFineDataset',
        data_root=cityscapes_root,
        data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
        subset=dict(size=250, seed=0),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
