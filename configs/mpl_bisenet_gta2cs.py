_base_ = [
    './_base_/models/bisenetv1_r18.py',
    './_base_/datasets/gta2cityscapes_pair.py',
    './_base_/methods/meta_pseudo_labels.py',
    './_base_/schedules/poly_50e.py',
    './_base_/default_runtime.py',
]
# Made by
#   python tools/train.py configs/adversarial/adversarial-dsc_bisenetv1-r18_gta2cs-512x1024.py
teacher_checkpoint = (
    'work_dirs/adversarial-dsc_bisenetv1-r18_gta2cs-512x1024/epoch_50.pth'
)
optional_checkpoints = _base_.optional_checkpoints + [teacher_checkpoint]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(segmentor=_base_.segmentor),
    teacher_checkpoint=dict(checkpoint=teacher_checkpoint),
)
train_cfg = dict(type='MPLTrainLoop')
