# A student that learns from its own average, on images mixed of both domains.
_base_ = ['../_base_/own_data.py', '../_base_/methods/mean_teacher_short.py']
recipe = dict(name='mean_teacher', after='source_only', source_free=True)
optim_wrapper = dict(
    student_generator=dict(
        optimizer=dict(_delete_=True, type='AdamW', weight_decay=0.01, fused=True)
    )
)
