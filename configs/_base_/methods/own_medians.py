# A trained network learns from class-median pseudo labels that it makes of the target
# itself. A run config gives what tent.py asks for, LoadPseudoLabels in its pipeline, and
# the images to label: custom_hooks[-1].dataloader.dataset.
_base_ = './tent.py'
model = dict(trained='all', unlabeled_losses=[], target_loss_weight=1.0)
optim_wrapper = dict(
    generator=dict(
        optimizer=dict(
            _delete_=True,
            type='SGD',
            lr=1.25e-2,
            momentum=0.9,
            weight_decay=1e-4,
            fused=True,
        )
    )
)
custom_hooks = [
    dict(
        type='MedianThresholdPseudoLabelHook',
        # Before the first step, with the network that the training starts from.
        epochs=[0],
        pseudo_labeler=dict(type='ClassMedian', cap=0.9, scope='dataset'),
        dataloader=dict(batch_size=1, num_workers=0),
    )
]
miniature_config = 'source-free-median_bisenetv1-lite0_minicity-128x256'
