_base_ = [
    '../_base_/models/bisenetv1_lite0.py',
    '../_base_/datasets/minicity_pair.py',
    '../_base_/methods/pseudo_label.py',
    '../_base_/schedules/poly_8e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(
        segmentor=_base_.segmentor,
        checkpoint='work_dirs/adversarial-dsc_bisenetv1-lite0_minicity-128x256/epoch_8.pth',
    ),
)
train_dataloader = dict(
    dataset=dict(target=dict(pipeline=_base_.pseudo_label_pipeline))
)
custom_hooks = _base_.custom_hooks
custom_hooks[-1].dataloader.dataset = _base_.label_dataset
# Half of the rate before, as the paper halves its own.
generator_optim = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=0.01, fused=True),
    paramwise_cfg=dict(custom_keys=dict(timm_model=dict(lr_mult=0.25))),
)
optim_wrapper = dict(generator=generator_optim)
