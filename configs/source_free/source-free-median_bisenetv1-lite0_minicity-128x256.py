_base_ = [
    '../_base_/models/bisenetv1_lite0.py',
    '../_base_/datasets/minicity_images.py',
    '../_base_/methods/own_medians.py',
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
train_dataloader = dict(dataset=dict(pipeline=_base_.pseudo_label_pipeline))
custom_hooks = _base_.custom_hooks
custom_hooks[-1].dataloader.dataset = _base_.label_dataset
# As for a pretrained encoder: AdamW, and a quarter of the rate for the encoder. Half of
# the rate before.
optim_wrapper = dict(
    generator=dict(
        optimizer=dict(
            _delete_=True, type='AdamW', lr=1e-3, weight_decay=0.01, fused=True
        ),
        paramwise_cfg=dict(custom_keys=dict(timm_model=dict(lr_mult=0.25))),
    )
)
