# Student and teacher, each with its discriminator, 50 epochs, poly decay.
# `end` lies one epoch behind the last one, so that this one still learns:
# lr * (1 - epoch / 50) ** 0.9.
poly = [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=51, by_epoch=True)]
generator_optim = dict(
    type='GradientAveragingOptimWrapper',
    optimizer=dict(type='SGD', lr=2.5e-2, momentum=0.9, weight_decay=1e-4, fused=True),
)
discriminator_optim = dict(
    type='GradientAveragingOptimWrapper',
    optimizer=dict(type='Adam', lr=1e-4, betas=(0.9, 0.99), fused=True),
)
optim_wrapper = dict(
    constructor='ChildOptimWrapperConstructor',
    student_generator=generator_optim,
    student_discriminator=discriminator_optim,
    teacher_generator=generator_optim,
    teacher_discriminator=discriminator_optim,
)
param_scheduler = dict(
    student_generator=poly,
    student_discriminator=poly,
    teacher_generator=poly,
    teacher_discriminator=poly,
)
train_cfg = dict(type='MPLTrainLoop', max_epochs=50, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
