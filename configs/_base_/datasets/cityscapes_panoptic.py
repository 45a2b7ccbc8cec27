# Labelled images with instances: Cityscapes, 2,975 images to train on and 500 to
# validate on, whole and in full size.
_base_ = './common.py'
cityscapes_root = 'data/cityscapes'
image_scale = (2048, 1024)
# Smaller images and crops are filled by the data preprocessor.
crop_size = (1025, 2049)
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
        # In pixels of the crop, as in the paper.
        sigma=8.0,
        small_instance_area=4096,
        small_instance_weight=3.0,
    ),
    dict(type='PackPanopticInputs', meta_keys=_base_.meta_keys),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadPanopticLabels'),
    dict(type='PackPanopticInputs', meta_keys=_base_.meta_keys),
]
tta_pipeline = test_pipeline
train_dataloader = dict(
    dataset=dict(
        type='CityscapesPanopticDataset',
        data_root=cityscapes_root,
        data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    sampler=dict(round_up=False),
    dataset=dict(
        type='CityscapesPanopticDataset',
        data_root=cityscapes_root,
        data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(_delete_=True, type='PanopticMetric')
test_evaluator = val_evaluator
miniature_config = 'panoptic-deeplab_r18_minicity-256x512'
