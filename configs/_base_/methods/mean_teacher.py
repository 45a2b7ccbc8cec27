# A student, and a teacher that is its moving average and has no optimizer; as in
# DACS. A run config gives `model.data_preprocessor` and `model.generator.segmentor`,
# and source and target images of one size.
model = dict(
    type='MeanTeacher',
    generator=dict(type='SegmentorGenerator'),
    mixing=dict(type='ClassMix'),
    pseudo_labeler=dict(type='ConfidentShare', threshold=0.968),
    augmentation=dict(
        type='StrongAugmentation',
        brightness=0.2,
        contrast=0.2,
        saturation=0.2,
        hue=0.2,
        jitter_probability=0.5,
        blur_sigma=(0.15, 1.15),
        blur_probability=0.5,
    ),
    decay=0.999,
    target_loss_weight=1.0,
    label_batch_statistics=True,
    predict_on='teacher',
)
optim_wrapper = dict(
    constructor='ChildOptimWrapperConstructor',
    student_generator=dict(
        type='GradientAveragingOptimWrapper',
        optimizer=dict(
            type='SGD', lr=2.5e-2, momentum=0.9, weight_decay=1e-4, fused=True
        ),
    ),
)
custom_hooks = []
miniature_config = 'mean-teacher_bisenetv1-r18_minicity-128x256'
