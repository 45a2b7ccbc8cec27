_base_ = (
    '../adversarial/adversarial-dsc_bisenetv1-r18_1xb4-50e_gta2cityscapes-512x1024.py'
)
model = dict(
    # Eq. 5
    target_loss_weight=1.0,
    generator=dict(
        checkpoint='work_dirs/'
        'adversarial-dsc_bisenetv1-r18_1xb4-50e_gta2cityscapes-512x1024/'
        'epoch_50.pth',
        checkpoint_prefix='generator.segmentor.',
    ),
)
target_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadPseudoLabels'),
    dict(type='Resize', scale=_base_.target_scale, keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs', meta_keys=_base_.meta_keys),
]
train_dataloader = dict(dataset=dict(target=dict(pipeline=target_pipeline)))
label_dataset = _base_.target_dataset
label_dataset.pipeline = _base_.label_pipeline
custom_hooks = _base_.custom_hooks + [
    dict(
        type='MedianThresholdPseudoLabelHook',
        # Before the first step, with the adversarially adapted generator.
        epochs=[0],
        pseudo_labeler=dict(type='ClassMedian', cap=0.9, scope='dataset'),
        dataloader=dict(batch_size=1, num_workers=0, dataset=label_dataset),
    )
]
# The best of the four rates that the paper tried.
optim_wrapper = dict(generator=dict(optimizer=dict(lr=1.25e-2)))
miniature_config = (
    'configs/pseudo_label/pseudo-label-dsc_bisenetv1-r18_1xb4_minicity-128x256.py'
)
