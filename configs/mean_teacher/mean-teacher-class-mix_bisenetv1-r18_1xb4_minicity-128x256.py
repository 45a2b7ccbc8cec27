_base_ = [
    '../_base_/models/bisenetv1_r18.py',
    '../_base_/datasets/minicity_pair.py',
    '../_base_/schedules/mean_teacher_50e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    _delete_=True,
    type='MeanTeacher',
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(type='SegmentorGenerator', segmentor=_base_.model),
    mixing=dict(type='ClassMix'),
    pseudo_label_weights=dict(type='ConfidentShareWeights', threshold=0.9),
    augmentation=dict(
        type='StrongAugmentation',
        brightness=0.5,
        contrast=0.5,
        saturation=0.5,
        hue=0.1,
        jitter_probability=0.8,
        blur_sigma=(0.15, 1.15),
        blur_probability=0.5,
    ),
    # A mean over some hundred steps: there are only few of them.
    decay=0.99,
    target_loss_weight=1.0,
    label_batch_statistics=True,
    predict_on='teacher',
)
param_scheduler = dict(
    student_generator=[
        dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=9, by_epoch=True)
    ]
)
train_cfg = dict(max_epochs=8, val_interval=8)
