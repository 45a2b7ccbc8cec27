_base_ = [
    '../_base_/models/bisenetv1_lite0.py',
    '../_base_/datasets/minicity_images.py',
    '../_base_/methods/batch_norm.py',
    '../_base_/schedules/poly_8e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(
        segmentor=_base_.segmentor,
        checkpoint='work_dirs/supervised_bisenetv1-lite0_minicity-gta5-128x256/epoch_8.pth',
    ),
)
train_cfg = dict(type='NoStepLoop', max_epochs=1, val_interval=1)
param_scheduler = []
custom_hooks = _base_.custom_hooks
custom_hooks[-1].dataloader = dict(
    batch_size=4, num_workers=0, dataset=_base_.label_dataset
)
