# Adversarial adaptation that goes on with pseudo labels of its own. A run config
# also gives `model.generator.checkpoint`, a target pipeline with LoadPseudoLabels
# and the images to label: custom_hooks[-1].dataloader.dataset.
_base_ = './adversarial.py'
model = dict(
    generator=dict(checkpoint_prefix='generator.segmentor.'),
    # Eq. 5
    target_loss_weight=1.0,
)
# The best of the four rates that the paper tried.
optim_wrapper = dict(generator=dict(optimizer=dict(lr=1.25e-2)))
custom_hooks = _base_.custom_hooks + [
    dict(
        type='MedianThresholdPseudoLabelHook',
        # Before the first step, with the adversarially adapted generator.
        epochs=[0],
        pseudo_labeler=dict(type='ClassMedian', cap=0.9, scope='dataset'),
        dataloader=dict(batch_size=1, num_workers=0),
    )
]
miniature_config = 'pseudo-label-dsc_bisenetv1-r18_minicity-128x256'
