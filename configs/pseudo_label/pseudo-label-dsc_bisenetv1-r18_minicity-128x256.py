_base_ = [
    '../_base_/models/bisenetv1_r18_scratch.py',
    '../_base_/datasets/minicity_pair.py',
    '../_base_/methods/pseudo_label.py',
    '../_base_/schedules/poly_8e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(
        segmentor=_base_.segmentor,
        checkpoint='work_dirs/adversarial-dsc_bisenetv1-r18_minicity-128x256/epoch_8.pth',
    ),
)
train_dataloader = dict(
    dataset=dict(target=dict(pipeline=_base_.pseudo_label_pipeline))
)
custom_hooks = _base_.custom_hooks
custom_hooks[-1].dataloader.dataset = _base_.label_dataset
