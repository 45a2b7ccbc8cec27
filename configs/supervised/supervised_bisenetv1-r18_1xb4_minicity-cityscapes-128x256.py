_base_ = [
    '../_base_/models/bisenetv1_r18.py',
    '../_base_/datasets/minicity_target.py',
    '../_base_/schedules/sgd_50e.py',
    '../_base_/default_runtime.py',
]
# The oracle: trained on the labels of the target.
param_scheduler = [
    dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=9, by_epoch=True)
]
train_cfg = dict(max_epochs=8, val_interval=8)
