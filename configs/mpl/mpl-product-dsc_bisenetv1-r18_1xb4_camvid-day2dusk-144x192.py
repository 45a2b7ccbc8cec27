_base_ = [
    '../_base_/models/bisenetv1_r18_camvid.py',
    '../_base_/datasets/camvid_day2dusk_pair.py',
    '../_base_/schedules/mpl_50e.py',
    '../_base_/default_runtime.py',
]
# Made by the config of this name in configs/adversarial.
adapted = (
    'work_dirs/adversarial-dsc_bisenetv1-r18_1xb4_camvid-day2dusk-144x192/epoch_4.pth'
)
model = dict(
    _delete_=True,
    type='MetaPseudoLabels',
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(type='SegmentorGenerator', segmentor=_base_.model),
    discriminator=dict(type='DSCDiscriminator', num_classes=11),
    feedback_rule=dict(
        type='LossProductFeedback',
        # The ramp of the paper's 50 epochs, shortened.
        growth_epochs=3.2,
        full_after_epoch=2,
    ),
    # lambda_adv of Eq. 5
    student_adv_weight=0.001,
    # The paper's loss of the teacher has L_adv without a factor.
    teacher_adv_weight=1.0,
    threshold_cap=0.9,
    threshold_scope='image',
    label_batch_statistics=True,
    uda_probability=0.5,
    uda_sigma=0.5,
    # Pretrained, the paper's own wish: the few steps of this config are not
    # enough for a student from scratch.
    student_checkpoint=dict(
        checkpoint=adapted, checkpoint_prefix='generator.segmentor.'
    ),
    teacher_checkpoint=dict(
        checkpoint=adapted, checkpoint_prefix='generator.segmentor.'
    ),
    predict_on='student',
)
custom_hooks = _base_.custom_hooks + [dict(type='AdversarialHealthHook')]
poly = [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=5, by_epoch=True)]
param_scheduler = dict(
    student_generator=poly,
    student_discriminator=poly,
    teacher_generator=poly,
    teacher_discriminator=poly,
)
# As for pseudo labels: 2.5e-2 would undo much of the adapted networks.
generator_optim = dict(optimizer=dict(lr=1.25e-2))
optim_wrapper = dict(
    student_generator=generator_optim, teacher_generator=generator_optim
)
train_cfg = dict(max_epochs=4, val_interval=4)
miniature_config = 'configs/mpl/mpl-product-dsc_bisenetv1-r18_1xb4_minicity-128x256.py'
