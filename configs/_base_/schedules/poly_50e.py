# 50 epochs, poly decay per epoch, for each of the networks that a method trains.
max_epochs = 50
# `end` lies one epoch behind the last one, so that this one still learns:
# lr * (1 - epoch / max_epochs) ** 0.9.
param_scheduler = [
    dict(
        type='PolyLR', power=0.9, eta_min=0, begin=0, end=max_epochs + 1, by_epoch=True
    )
]
train_cfg = dict(type='ResumableEpochTrainLoop', max_epochs=max_epochs, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
