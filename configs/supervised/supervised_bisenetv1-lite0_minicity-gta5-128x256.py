# Trained on the source alone, evaluated on the target.
_base_ = [
    '../_base_/models/bisenetv1_lite0.py',
    '../_base_/datasets/minicity_source.py',
    '../_base_/methods/supervised.py',
    '../_base_/schedules/poly_8e.py',
    '../_base_/default_runtime.py',
]
model = _base_.segmentor
# As for a pretrained encoder: AdamW, and a quarter of the rate for the encoder.
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=2e-3, weight_decay=0.01, fused=True),
    paramwise_cfg=dict(custom_keys=dict(timm_model=dict(lr_mult=0.25))),
)
