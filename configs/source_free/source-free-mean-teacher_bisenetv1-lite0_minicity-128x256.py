_base_ = [
    '../_base_/models/bisenetv1_lite0.py',
    '../_base_/datasets/minicity_images.py',
    '../_base_/methods/mean_teacher_short.py',
    '../_base_/schedules/poly_8e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(
        segmentor=_base_.segmentor,
        checkpoint='work_dirs/supervised_bisenetv1-lite0_minicity-gta5-128x256/epoch_8.pth',
    ),
    # There is no source to paste parts of.
    mixing=None,
)
# As for a pretrained encoder: AdamW, and a quarter of the rate for the encoder. Half of
# the rate before.
optim_wrapper = dict(
    student_generator=dict(
        optimizer=dict(
            _delete_=True, type='AdamW', lr=1e-3, weight_decay=0.01, fused=True
        ),
        paramwise_cfg=dict(custom_keys=dict(timm_model=dict(lr_mult=0.25))),
    )
)
