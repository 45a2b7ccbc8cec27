_base_ = [
    '../_base_/models/bisenetv1_r18.py',
    '../_base_/datasets/gta2cityscapes_pair.py',
    '../_base_/methods/mean_teacher.py',
    '../_base_/schedules/poly_50e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(segmentor=_base_.segmentor),
)
# Parts of the source are pasted into the target, so that both have one size.
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
