# A linear warm-up of 1,500 steps and a linear decay to the end, of 40,149 steps: 27
# epochs of 1,487 steps of 2 images, on the 2,975 of Cityscapes.
max_epochs = 27
# The rate is the product of both.
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=1500, by_epoch=False),
    dict(type='PolyLR', power=1.0, eta_min=0, begin=0, end=40150, by_epoch=False),
]
train_cfg = dict(type='ResumableEpochTrainLoop', max_epochs=max_epochs, val_interval=3)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
