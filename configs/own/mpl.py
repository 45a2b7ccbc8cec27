# Meta Pseudo Labels: a student, and a teacher that learns from how it fares. Both go
# on from the adapted network, for a student from scratch needs the paper's length.
_base_ = ['../_base_/own_data.py', '../_base_/methods/meta_pseudo_labels.py']
recipe = dict(name='mpl', after='dsc', needs_init=True)
rate_factor = 0.5
_generator = dict(
    optimizer=dict(_delete_=True, type='AdamW', weight_decay=0.01, fused=True)
)
optim_wrapper = dict(student_generator=_generator, teacher_generator=_generator)
train_cfg = dict(type='MPLTrainLoop')
