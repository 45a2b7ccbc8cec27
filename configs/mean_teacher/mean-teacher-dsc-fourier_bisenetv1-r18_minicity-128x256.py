_base_ = './mean-teacher_bisenetv1-r18_minicity-128x256.py'
# Three methods at once: a discriminator judges what the student predicts for the target,
# and source images get the target's look.
model = dict(
    discriminator=dict(type='DSCDiscriminator', num_classes=19),
    student_adv_weight=0.001,
)
optim_wrapper = dict(
    student_discriminator=dict(
        type='GradientAveragingOptimWrapper',
        optimizer=dict(type='Adam', lr=1e-4, betas=(0.9, 0.99), fused=True),
    )
)
custom_hooks = [dict(type='AdversarialHealthHook')]
load, labels, resize, flip, pack = _base_.train_pipeline
look = dict(
    type='FourierStyle',
    images=dict(_base_.label_dataset, pipeline=[load]),
    beta=0.02,
    prob=0.5,
)
source_pipeline = [load, labels, resize, look, flip, pack]
train_dataloader = dict(dataset=dict(source=dict(pipeline=source_pipeline)))
