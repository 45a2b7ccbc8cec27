# All of GTA5 and Cityscapes in crops of one size, evaluated on all of Cityscapes val at
# its own 2048x1024. Source images that show rare classes come more often, and an epoch
# is one pass over the target.
_base_ = './gta2cityscapes_pair.py'
crop_size = (512, 512)
crop = dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75)
flip = dict(type='RandomFlip', prob=0.5)
pack = dict(type='PackSegInputs', meta_keys=_base_.meta_keys)
source_dataset = dict(
    type='RareClassDataset',
    temperature=0.01,
    # 3000 pixels of GTA5's 1914x1052.
    min_pixels_share=0.0015,
    statistics_file='work_dirs/class_counts_gta5.json',
    dataset=dict(
        type='GTA5Dataset',
        data_root=_base_.gta5_root,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadLabelIds'),
            dict(type='Resize', scale=_base_.source_scale, keep_ratio=False),
            crop,
            flip,
            pack,
        ],
    ),
)
train_dataloader = dict(
    batch_size=2,
    dataset=dict(
        length='target',
        source=dict(_delete_=True, **source_dataset),
        target=dict(
            subset=None,
            pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='Resize', scale=_base_.target_scale, keep_ratio=False),
                # Without labels there is no share of a class to look at.
                dict(crop, cat_max_ratio=1.0),
                flip,
                pack,
            ],
        ),
    ),
)
labels = dict(type='LoadLabelIds')
val_pipeline = [*_base_.test_pipeline[:2], labels, pack]
val_dataloader = dict(dataset=dict(subset=None, pipeline=val_pipeline))
test_dataloader = val_dataloader
tta_pipeline = _base_.tta_pipeline
tta_pipeline[1].transforms[2] = [labels]
