_base_ = [
    '../_base_/models/panoptic_deeplab_r18.py',
    '../_base_/datasets/minicity_panoptic.py',
    '../_base_/schedules/panoptic_deeplab_60k.py',
    '../_base_/panoptic_runtime.py',
]
optim_wrapper = dict(optimizer=dict(lr=2e-3))
# 400 steps an epoch.
param_scheduler = [
    dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=2000, by_epoch=False)
]
train_cfg = dict(max_epochs=5, val_interval=5)
tta_model = dict(scales=(0.75, 1.0, 1.25))
