_base_ = [
    '../_base_/models/bisenetv1_lite0.py',
    '../_base_/models/heavy_mitb2.py',
    '../_base_/datasets/gta2cityscapes_mixed.py',
    '../_base_/methods/heavy_teacher.py',
    '../_base_/schedules/poly_50e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    # The large networks also keep their features of things near those of ImageNet.
    type='HeavyDAFormer',
    # traffic light, traffic sign, person, rider, car, truck, bus, train, motorcycle and
    # bicycle.
    thing_classes=(6, 7, 11, 12, 13, 14, 15, 16, 17, 18),
    min_thing_share=0.75,
    feature_distance_weight=0.005,
    # As the large network was trained. The first layer of Lite0, a convolution without
    # bias and BatchNorm, takes images of another scale as they are.
    data_preprocessor=dict(
        _base_.data_preprocessor,
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
    ),
    generator=dict(segmentor=_base_.heavy_segmentor),
    light_generator=dict(segmentor=_base_.segmentor),
)
optim_wrapper = dict(
    light_generator=dict(
        optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.01, fused=True),
        paramwise_cfg=dict(custom_keys=dict(timm_model=dict(lr_mult=0.25))),
    )
)
param_scheduler = dict(
    _delete_=True,
    student_generator=[
        dict(type='LinearLR', start_factor=1e-6, begin=0, end=500, by_epoch=False),
        *_base_.param_scheduler,
    ],
    light_generator=_base_.param_scheduler,
)
