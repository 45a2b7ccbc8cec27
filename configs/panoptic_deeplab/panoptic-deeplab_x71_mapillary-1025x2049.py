_base_ = [
    '../_base_/models/panoptic_deeplab_x71.py',
    '../_base_/datasets/mapillary_panoptic.py',
    '../_base_/schedules/panoptic_deeplab_60k.py',
    '../_base_/panoptic_runtime.py',
]
# Pretraining of the first teacher, as that of WR-41 but for the rate. An epoch has
# 562 steps in 8 processes.
train_cfg = dict(max_epochs=106, val_interval=10)
# Images of many shapes are tested whole, with this as their longer side.
model = dict(
    data_preprocessor=dict(test_cfg=dict(size=(_base_.longer_side, _base_.longer_side)))
)
