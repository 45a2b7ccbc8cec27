# Student and teacher, each with its discriminator. A run config gives
# `model.data_preprocessor` and `model.generator.segmentor`, the checkpoints to start
# from, and train_cfg.type='MPLTrainLoop'.
generator_optim = dict(
    type='GradientAveragingOptimWrapper',
    optimizer=dict(type='SGD', lr=2.5e-2, momentum=0.9, weight_decay=1e-4, fused=True),
)
discriminator_optim = dict(
    type='GradientAveragingOptimWrapper',
    optimizer=dict(type='Adam', lr=1e-4, betas=(0.9, 0.99), fused=True),
)
model = dict(
    type='MetaPseudoLabels',
    generator=dict(type='SegmentorGenerator'),
    discriminator=dict(type='DSCDiscriminator', num_classes=19),
    # The ramp of the paper's 50 epochs.
    feedback_rule=dict(
        type='LossProductFeedback', growth_epochs=40, full_after_epoch=25
    ),
    # lambda_adv of Eq. 5
    student_adv_weight=0.001,
    # The paper's loss of the teacher has L_adv without a factor.
    teacher_adv_weight=1.0,
    pseudo_labeler=dict(type='ClassMedian', cap=0.9, scope='image'),
    label_batch_statistics=True,
    uda_probability=0.5,
    uda_sigma=0.5,
    # From scratch, as in the paper, but for the ImageNet weights.
    student_checkpoint=dict(checkpoint=None, checkpoint_prefix='generator.segmentor.'),
    # Adapted, and its discriminator with it: a fresh one would meet teacher_adv_weight=1.
    teacher_checkpoint=dict(
        checkpoint=None,
        checkpoint_prefix='generator.segmentor.',
        discriminator_prefix='discriminator.',
    ),
    predict_on='student',
)
optim_wrapper = dict(
    constructor='ChildOptimWrapperConstructor',
    student_generator=generator_optim,
    student_discriminator=discriminator_optim,
    # The released code's rate; the paper gives only the student's.
    teacher_generator=dict(
        generator_optim, optimizer=dict(generator_optim['optimizer'], lr=1.25e-2)
    ),
    teacher_discriminator=discriminator_optim,
)
custom_hooks = [dict(type='AdversarialHealthHook')]
miniature_config = 'mpl-product-dsc_bisenetv1-r18_minicity-128x256'
