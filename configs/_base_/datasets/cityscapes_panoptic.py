# Labelled images with instances: Cityscapes, 2,975 images to train on and 500 to
# validate on, whole and in full size.
cityscapes_root = 'data/cityscapes'
image_scale = (2048, 1024)
# Smaller images and crops are filled by the data preprocessor.
crop_size = (1025, 2049)
# In pixels of the crop, as in the paper.
sigma = 8.0
small_instance_area = 4096
small_instance_weight = 3.0
meta_keys = (
    'img_path',
    'seg_map_path',
    'relative_path',
    'ori_shape',
    'img_shape',
    'pad_shape',
    'scale_factor',
    'flip',
    'flip_direction',
    'reduce_zero_label',
)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadPanopticLabels'),
    dict(
        type='RandomChoiceResize',
        # 0.5 to 2.0 in steps of 0.1.
        scales=[
            (image_scale[0] * tenths // 10, image_scale[1] * tenths // 10)
            for tenths in range(5, 21)
        ],
        keep_ratio=False,
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='PanopticTargets',
        sigma=sigma,
        small_instance_area=small_instance_area,
        small_instance_weight=small_instance_weight,
    ),
    dict(type='PackPanopticInputs', meta_keys=meta_keys),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadPanopticLabels'),
    dict(type='PackPanopticInputs', meta_keys=meta_keys),
]
tta_pipeline = test_pipeline
train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    # BatchNorm cannot train on the single image that may be left over.
    drop_last=True,
    sampler=dict(type='ResumableSampler', shuffle=True),
    dataset=dict(
        type='CityscapesPanopticDataset',
        data_root=cityscapes_root,
        data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='CityscapesPanopticDataset',
        data_root=cityscapes_root,
        data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='PanopticMetric')
test_evaluator = val_evaluator
