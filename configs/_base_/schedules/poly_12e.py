# 12 epochs.
_base_ = './poly_50e.py'
max_epochs = 12
param_scheduler = [dict(_base_.param_scheduler[0], end=max_epochs + 1)]
train_cfg = dict(max_epochs=max_epochs, val_interval=2)
