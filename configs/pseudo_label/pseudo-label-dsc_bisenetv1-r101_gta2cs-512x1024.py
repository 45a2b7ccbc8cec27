_base_ = [
    '../_base_/models/bisenetv1_r101.py',
    '../_base_/datasets/gta2cityscapes_pair.py',
    '../_base_/methods/pseudo_label.py',
    '../_base_/schedules/poly_50e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(
        segmentor=_base_.segmentor,
        checkpoint='work_dirs/adversarial-dsc_bisenetv1-r101_gta2cs-512x1024/epoch_50.pth',
    ),
)
train_dataloader = dict(
    dataset=dict(target=dict(pipeline=_base_.pseudo_label_pipeline))
)
custom_hooks = _base_.custom_hooks
custom_hooks[-1].dataloader.dataset = _base_.label_dataset
