_base_ = [
    '../_base_/models/panoptic_deeplab_wr41.py',
    '../_base_/datasets/mapillary_panoptic.py',
    '../_base_/schedules/panoptic_deeplab_60k.py',
    '../_base_/panoptic_runtime.py',
]
# Pretraining. The paper gives no schedule for Mapillary Vistas: rate, steps and
# crop are those of Cityscapes. An epoch has 562 steps in 8 processes.
optim_wrapper = dict(optimizer=dict(lr=1e-4))
train_cfg = dict(max_epochs=106, val_interval=10)
# Images of many shapes are tested whole, with this as their longer side.
model = dict(
    data_preprocessor=dict(test_cfg=dict(size=(_base_.longer_side, _base_.longer_side)))
)
