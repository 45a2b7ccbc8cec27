_base_ = [
    './_base_/models/bisenetv1_r18.py',
    './_base_/datasets/gta2cityscapes_pair.py',
    './_base_/methods/meta_pseudo_labels.py',
    './_base_/schedules/poly_50e.py',
    './_base_/default_runtime.py',
]
# The last checkpoint of DSC + PL. The released code takes the one that is best on Cityscapes val,
# which needs target labels (default_hooks.checkpoint.save_best=mIoU in that run). Without an adapted
# teacher: --cfg-options model.teacher_checkpoint.checkpoint=None
teacher_checkpoint = (
    'work_dirs/pseudo-label-fresh-dsc_bisenetv1-r18_gta2cs-512x1024/epoch_50.pth'
)
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(segmentor=_base_.segmentor),
    teacher_checkpoint=dict(checkpoint=teacher_checkpoint),
)
train_cfg = dict(type='MPLTrainLoop')
