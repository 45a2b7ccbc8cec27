# Labelled images with instances: the real look of the built-in miniature world,
# twice as large as the adaptation configs have it, so that things have a shape.
make_data = (
    'python tools/dataset_converters/make_minicity.py --out data/minicity-512x256 '
    '--size 512x256 --gta5 0 --train 1600 --val 100'
)
cityscapes_root = 'data/minicity-512x256/cityscapes'
image_scale = (512, 256)
# Three quarters of the image in both directions: more steps in the same time.
crop_size = (193, 385)
# In pixels of the crop. The images are a quarter of Cityscapes in width, so
# instances under (64 / 4)**2 pixels correspond to the small ones of the paper.
sigma = 4.0
small_instance_area = 256
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
        # 0.7 to 1.3 in steps of 0.1.
        scales=[
            (image_scale[0] * tenths // 10, image_scale[1] * tenths // 10)
            for tenths in range(7, 14)
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
    num_workers=0,
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
    num_workers=0,
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
