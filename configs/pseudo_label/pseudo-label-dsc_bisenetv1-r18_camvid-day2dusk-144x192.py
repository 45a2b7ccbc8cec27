_base_ = [
    '../_base_/models/bisenetv1_r18_camvid.py',
    '../_base_/datasets/camvid_day2dusk_pair.py',
    '../_base_/methods/pseudo_label.py',
    '../_base_/schedules/poly_4e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(
        segmentor=_base_.segmentor,
        checkpoint='work_dirs/adversarial-dsc_bisenetv1-r18_camvid-day2dusk-144x192/epoch_4.pth',
        checkpoint_prefix='generator.segmentor.',
    ),
    discriminator=dict(num_classes=11),
)
target_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadPseudoLabels'),
    dict(type='Resize', scale=_base_.target_scale, keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs', meta_keys=_base_.meta_keys),
]
train_dataloader = dict(dataset=dict(target=dict(pipeline=target_pipeline)))
custom_hooks = _base_.custom_hooks
custom_hooks[-1].dataloader.dataset = dict(
    _base_.target_dataset, pipeline=_base_.label_pipeline
)
