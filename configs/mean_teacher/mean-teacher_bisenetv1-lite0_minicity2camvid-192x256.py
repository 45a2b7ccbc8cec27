_base_ = [
    '../_base_/models/bisenetv1_lite0_camvid.py',
    '../_base_/datasets/minicity2camvid_pair.py',
    '../_base_/methods/mean_teacher.py',
    '../_base_/schedules/poly_12e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(
        segmentor=_base_.segmentor,
        # Labels of a network that has not learned its source lock its errors in.
        checkpoint='work_dirs/supervised_bisenetv1-lite0_minicity2camvid-192x256/epoch_12.pth',
    ),
)
optim_wrapper = dict(
    student_generator=dict(
        optimizer=dict(_delete_=True, **_base_.adamw),
        paramwise_cfg=_base_.paramwise_cfg,
    )
)
# Poles, signs and fences have few pixels.
default_hooks = dict(class_weights=dict(type='ClassWeightHook'))
