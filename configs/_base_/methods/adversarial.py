# A generator, and a discriminator that tells its maps of source and target apart.
# A run config gives `model.data_preprocessor` and `model.generator.segmentor`.
model = dict(
    type='BiSeNetDA',
    generator=dict(type='SegmentorGenerator'),
    discriminator=dict(type='DSCDiscriminator', num_classes=19),
    # lambda_adv of Eq. 4
    adv_weight=0.001,
    # No target label is looked at.
    target_loss_weight=0.0,
)
optim_wrapper = dict(
    constructor='ChildOptimWrapperConstructor',
    generator=dict(
        type='GradientAveragingOptimWrapper',
        optimizer=dict(
            type='SGD', lr=2.5e-2, momentum=0.9, weight_decay=1e-4, fused=True
        ),
    ),
    discriminator=dict(
        type='GradientAveragingOptimWrapper',
        optimizer=dict(type='Adam', lr=1e-4, betas=(0.9, 0.99), fused=True),
    ),
)
custom_hooks = [dict(type='AdversarialHealthHook')]
miniature_config = 'adversarial-dsc_bisenetv1-r18_minicity-128x256'
