# A larger network adapts as a mean teacher, and `network` learns from it.
_base_ = ['../_base_/own_data.py', '../_base_/methods/heavy_teacher.py']
recipe = dict(name='heavy_teacher', after='source_only')
teacher_network = 'bisenetv1_r101'
# For some hundred or thousand steps, as the mean teacher has it.
model = dict(decay=0.99, pseudo_labeler=dict(threshold=0.9))
_adamw = dict(type='AdamW', weight_decay=0.01, fused=True)
optim_wrapper = dict(
    student_generator=dict(optimizer=dict(_delete_=True, **_adamw), paramwise_cfg=None),
    light_generator=dict(optimizer=_adamw),
)
