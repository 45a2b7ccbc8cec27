_base_ = [
    '../_base_/models/bisenetv1_r18.py',
    '../_base_/datasets/gta2cityscapes_pair.py',
    '../_base_/schedules/mean_teacher_50e.py',
    '../_base_/default_runtime.py',
]
# Parts of the source are pasted into the target, so that both have one size.
crop_size = (512, 1024)
source_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadLabelIds'),
    dict(type='Resize', scale=_base_.source_scale, keep_ratio=False),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs', meta_keys=_base_.meta_keys),
]
train_dataloader = dict(dataset=dict(source=dict(pipeline=source_pipeline)))
model = dict(
    _delete_=True,
    type='MeanTeacher',
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(type='SegmentorGenerator', segmentor=_base_.model),
    mixing=dict(type='ClassMix'),
    # DACS
    pseudo_label_weights=dict(type='ConfidentShareWeights', threshold=0.968),
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
miniature_config = (
    'configs/mean_teacher/mean-teacher-class-mix_bisenetv1-r18_1xb4_minicity-128x256.py'
)
