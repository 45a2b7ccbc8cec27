# Trained on drawn streets alone, evaluated on real ones.
_base_ = [
    '../_base_/models/bisenetv1_lite0_camvid.py',
    '../_base_/datasets/minicity2camvid_source.py',
    '../_base_/methods/supervised.py',
    '../_base_/schedules/poly_12e.py',
    '../_base_/default_runtime.py',
]
model = _base_.segmentor
optim_wrapper = dict(
    optimizer=dict(_delete_=True, **_base_.adamw), paramwise_cfg=_base_.paramwise_cfg
)
# Poles, signs and fences have few pixels.
default_hooks = dict(class_weights=dict(type='ClassWeightHook'))
