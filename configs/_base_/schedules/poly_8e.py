# 8 epochs.
_base_ = './poly_50e.py'
max_epochs = 8
param_scheduler = [dict(_base_.param_scheduler[0], end=max_epochs + 1)]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
