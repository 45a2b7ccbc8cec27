# A mean teacher whose encoder keeps its features of things near those of ImageNet. A
# run config gives `model.data_preprocessor` and `model.generator.segmentor`, whose
# backbone starts from ImageNet, and source and target images of one size.
_base_ = './mean_teacher.py'
model = dict(
    type='DAFormer',
    # The last rows of Cityscapes show the own car, and the first are distorted.
    pseudo_labeler=dict(ignored_rows=(15, 120)),
    augmentation=dict(jitter_probability=0.8),
    # traffic light, traffic sign, person, rider, car, truck, bus, train, motorcycle and
    # bicycle.
    thing_classes=(6, 7, 11, 12, 13, 14, 15, 16, 17, 18),
    min_thing_share=0.75,
    feature_distance_weight=0.005,
    predict_on='student',
)
optim_wrapper = dict(
    student_generator=dict(
        optimizer=dict(
            _delete_=True,
            type='AdamW',
            lr=6e-5,
            betas=(0.9, 0.999),
            weight_decay=0.01,
            fused=True,
        ),
        paramwise_cfg=dict(
            custom_keys=dict(head=dict(lr_mult=10.0), norm=dict(decay_mult=0.0))
        ),
    )
)
miniature_config = 'daformer_lite0_minicity-128x256'
