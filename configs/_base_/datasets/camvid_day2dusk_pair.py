# Labelled source and unlabelled target images, drawn together; an epoch is one
# pass over the source;
# CamVid: sequences 0006R0 and 0016E5 (day, labelled) to 0001TP (dusk). The
# first half of 0001TP in time is adapted to, as images only; the second half
# is evaluated on.
_base_ = './camvid_day2dusk_source.py'
# Without LoadPseudoLabels the target has no labels of any kind.
target_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=_base_.target_scale, keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs', meta_keys=_base_.meta_keys),
]
# Whole images without augmentation, for making pseudo labels.
label_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=_base_.target_scale, keep_ratio=False),
    dict(type='PackSegInputs', meta_keys=_base_.meta_keys),
]
target_dataset = dict(
    type='CamVidImagesDataset',
    data_root=_base_.camvid_root,
    images='images/train',
    sequences=('0001TP',),
    frames=(0.0, 0.5),
    pipeline=target_pipeline,
)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='DomainPairDataset',
        length='source',
        source=_base_.train_dataloader.dataset,
        target=target_dataset,
    )
)
