# The pair for methods that paste parts of the source into the target: crops of the
# source have the target's size.
_base_ = './gta2cityscapes_pair.py'
crop_size = (512, 1024)
source_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadLabelIds'),
    dict(type='Resize', scale=_base_.source_scale, keep_ratio=False),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs', meta_keys=_base_.meta_keys),
]
train_dataloader = dict(dataset=dict(source=dict(pipeline=source_pipeline)))
