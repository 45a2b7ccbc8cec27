# Labelled source and unlabelled target images, drawn together; an epoch is one pass
# over the source.
_base_ = './camvid_day2dusk_source.py'
target_augmentation = [
    dict(
        type='RandomResize', scale=_base_.scale, ratio_range=(0.8, 1.5), keep_ratio=True
    ),
    dict(type='RandomCrop', crop_size=_base_.crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs', meta_keys=_base_.meta_keys),
]
target_pipeline = [dict(type='LoadImageFromFile'), *target_augmentation]
# Whole images without augmentation, for making pseudo labels, and what then is
# trained on.
label_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=_base_.scale, keep_ratio=False),
    dict(type='PackSegInputs', meta_keys=_base_.meta_keys),
]
pseudo_label_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadPseudoLabels'),
    *target_augmentation,
]
target_dataset = dict(
    type='CamVidImagesDataset',
    data_root=_base_.camvid_root,
    images='images/train',
    sequences=('0001TP',),
    frames=(0.0, 0.5),
    pipeline=target_pipeline,
)
label_dataset = dict(target_dataset, pipeline=label_pipeline)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='DomainPairDataset',
        length='source',
        source=_base_.train_dataloader.dataset,
        target=target_dataset,
    )
)
