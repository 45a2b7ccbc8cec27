# One network, Adam without weight decay, poly decay per step, 60,000 steps of
# 32 images: 645 epochs of 93 steps, in 8 processes, on the 2,975 images of Cityscapes.
optim_wrapper = dict(
    type='GradientAveragingOptimWrapper',
    optimizer=dict(type='Adam', lr=1e-3, weight_decay=0.0, fused=True),
)
param_scheduler = [
    dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=60000, by_epoch=False)
]
train_cfg = dict(type='ResumableEpochTrainLoop', max_epochs=645, val_interval=50)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
