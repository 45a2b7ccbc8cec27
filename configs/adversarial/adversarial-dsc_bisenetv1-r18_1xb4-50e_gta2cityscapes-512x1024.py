_base_ = [
    '../_base_/models/bisenetv1_r18.py',
    '../_base_/datasets/gta2cityscapes_pair.py',
    '../_base_/schedules/adversarial_50e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    _delete_=True,
    type='BiSeNetDA',
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(type='SegmentorGenerator', segmentor=_base_.model),
    discriminator=dict(type='DSCDiscriminator', num_classes=19),
    # lambda_adv of Eq. 4
    adv_weight=0.001,
    # No target label is looked at.
    target_loss_weight=0.0,
)
custom_hooks = _base_.custom_hooks + [dict(type='AdversarialHealthHook')]
miniature_config = (
    'configs/adversarial/adversarial-dsc_bisenetv1-r18_1xb4_minicity-128x256.py'
)
