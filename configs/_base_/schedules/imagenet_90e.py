# 90 epochs of SGD with a cosine decay per epoch, for batches of 256 (8 processes of 32). "Naive-Student" says nothing
# of its ImageNet training but the drop path: this is the usual recipe for residual networks, and our choice.
optim_wrapper = dict(
    type='GradientAveragingOptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4, nesterov=True),
)
# `end` lies one epoch behind the last one, so that this one still learns.
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, begin=0, end=5, by_epoch=True),
    dict(type='CosineAnnealingLR', eta_min=0, begin=5, end=91, by_epoch=True),
]
train_cfg = dict(type='ResumableEpochTrainLoop', max_epochs=90, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
