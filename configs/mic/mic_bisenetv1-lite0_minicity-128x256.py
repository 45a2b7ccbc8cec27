_base_ = [
    '../_base_/models/bisenetv1_lite0.py',
    '../_base_/datasets/minicity_pair.py',
    '../_base_/methods/mean_teacher_short.py',
    '../_base_/schedules/poly_8e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(segmentor=_base_.segmentor),
    # The student also learns from target images of which squares are hidden.
    masking=dict(type='BlockMask', ratio=0.7, block_size=16),
    masked_loss_weight=1.0,
)
# As for a pretrained encoder: AdamW, and a quarter of the rate for the encoder.
student_optim = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=2e-3, weight_decay=0.01, fused=True),
    paramwise_cfg=dict(custom_keys=dict(timm_model=dict(lr_mult=0.25))),
)
optim_wrapper = dict(student_generator=student_optim)
