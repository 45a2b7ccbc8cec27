_base_ = [
    './_base_/models/bisenetv1_r18.py',
    './_base_/datasets/gta2cityscapes_pair.py',
    './_base_/schedules/mpl_50e.py',
    './_base_/default_runtime.py',
]
# Made by
#   python tools/train.py configs/adversarial/adversarial-dsc_bisenetv1-r18_1xb4-50e_gta2cityscapes-512x1024.py
teacher_checkpoint = (
    'work_dirs/adversarial-dsc_bisenetv1-r18_1xb4-50e_gta2cityscapes-512x1024/'
    'epoch_50.pth'
)
optional_checkpoints = _base_.optional_checkpoints + [teacher_checkpoint]
model = dict(
    _delete_=True,
    type='MetaPseudoLabels',
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(type='SegmentorGenerator', segmentor=_base_.model),
    discriminator=dict(type='DSCDiscriminator', num_classes=19),
    feedback_rule=dict(
        type='LossProductFeedback', growth_epochs=40, full_after_epoch=25
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
    # From scratch, as in the paper, but for the ImageNet weights.
    student_checkpoint=dict(checkpoint=None, checkpoint_prefix='generator.segmentor.'),
    teacher_checkpoint=dict(
        checkpoint=teacher_checkpoint, checkpoint_prefix='generator.segmentor.'
    ),
    predict_on='student',
)
custom_hooks = _base_.custom_hooks + [dict(type='AdversarialHealthHook')]
miniature_config = 'configs/mpl/mpl-product-dsc_bisenetv1-r18_1xb4_minicity-128x256.py'
