# Trained on day alone, evaluated at dusk.
_base_ = [
    '../_base_/models/bisenetv1_lite0_camvid.py',
    '../_base_/datasets/camvid_day2dusk_source.py',
    '../_base_/methods/supervised.py',
    '../_base_/schedules/poly_12e.py',
    '../_base_/default_runtime.py',
]
model = _base_.segmentor
optim_wrapper = dict(
    optimizer=dict(_delete_=True, **_base_.adamw), paramwise_cfg=_base_.paramwise_cfg
)
