# A large student and its moving average, which adapt as a mean teacher, and a light
# student that learns from the same labels. A run config gives `model.data_preprocessor`,
# `model.generator.segmentor` and `model.light_generator.segmentor`, and the optimizer of
# the light one; source and target images have one size.
_base_ = './mean_teacher.py'
model = dict(
    type='HeavyTeacher',
    light_generator=dict(type='SegmentorGenerator'),
    distillation_weight=1.0,
    temperature=1.0,
    predict_on='light',
)
optim_wrapper = dict(
    # As SegFormer has it.
    student_generator=dict(
        optimizer=dict(
            _delete_=True,
            type='AdamW',
            lr=6e-5,
            betas=(0.9, 0.999),
            weight_decay=0.01,
            fused=True,
        ),
        paramwise_cfg=dict(
            custom_keys=dict(head=dict(lr_mult=10.0), norm=dict(decay_mult=0.0))
        ),
    ),
    light_generator=dict(type='GradientAveragingOptimWrapper'),
)
miniature_config = 'heavy-teacher_lite0-bisenetv1-lite0_minicity-128x256'
