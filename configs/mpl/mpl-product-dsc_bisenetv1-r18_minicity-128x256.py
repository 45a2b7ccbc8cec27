_base_ = [
    '../_base_/models/bisenetv1_r18_scratch.py',
    '../_base_/datasets/minicity_pair.py',
    '../_base_/methods/meta_pseudo_labels.py',
    '../_base_/schedules/poly_8e.py',
    '../_base_/default_runtime.py',
]
# Pretrained, the paper's own wish: the few steps of this config are not enough for a
# student from scratch. Made by the config of this name in configs/adversarial.
adapted = dict(
    checkpoint='work_dirs/adversarial-dsc_bisenetv1-r18_minicity-128x256/epoch_8.pth'
)
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(segmentor=_base_.segmentor),
    # The ramp of the paper's 50 epochs, shortened.
    feedback_rule=dict(growth_epochs=6.4, full_after_epoch=4),
    student_checkpoint=adapted,
    teacher_checkpoint=adapted,
)
# As for pseudo labels: 2.5e-2 would undo much of the adapted networks.
generator_optim = dict(optimizer=dict(lr=1.25e-2))
optim_wrapper = dict(
    student_generator=generator_optim, teacher_generator=generator_optim
)
train_cfg = dict(type='MPLTrainLoop')
