_base_ = [
    '../_base_/models/bisenetv1_r18.py',
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
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(segmentor=_base_.heavy_segmentor),
    light_generator=dict(segmentor=_base_.segmentor),
)
optim_wrapper = dict(
    light_generator=dict(
        optimizer=dict(
            type='SGD', lr=2.5e-2, momentum=0.9, weight_decay=1e-4, fused=True
        )
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
