# One network, Adam, 50 epochs, poly decay per epoch.
# The paper names no rate for Adam; this is the usual one.
optim_wrapper = dict(
    type='GradientAveragingOptimWrapper',
    optimizer=dict(type='Adam', lr=1e-3, weight_decay=1e-4, fused=True),
)
# `end` lies one epoch behind the last one, so that this one still learns:
# lr * (1 - epoch / 50) ** 0.9.
param_scheduler = [
    dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=51, by_epoch=True)
]
train_cfg = dict(type='ResumableEpochTrainLoop', max_epochs=50, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
