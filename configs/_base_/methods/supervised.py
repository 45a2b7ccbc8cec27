# One network that learns from labels, with SGD. A run config gives the network:
# model = _base_.segmentor
optim_wrapper = dict(
    type='GradientAveragingOptimWrapper',
    optimizer=dict(type='SGD', lr=2.5e-2, momentum=0.9, weight_decay=1e-4, fused=True),
)
custom_hooks = []
miniature_config = 'supervised_bisenetv1-r18_minicity-gta5-128x256'
