# WR-41 as a classifier of 1000 classes (Naive-Student, Table 11): global average pool and one linear layer. Parts of
# MMPretrain are named with their scope, because the scope of all configs here is MMSegmentation's.
# The input is pixel / 127.5 - 1, as that of the panoptic networks that start from these weights.
data_preprocessor = dict(
    type='mmpretrain.ClsDataPreprocessor',
    num_classes=1000,
    mean=[127.5] * 3,
    std=[127.5] * 3,
    to_rgb=True,
)
model = dict(
    type='mmpretrain.ImageClassifier',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='WideResNet41',
        output_stride=32,
        drop_path_survival=1.0,
        out_indices=(2,),
        norm_cfg=dict(type='BN', requires_grad=True),
    ),
    neck=dict(type='mmpretrain.GlobalAveragePooling'),
    head=dict(
        type='mmpretrain.LinearClsHead',
        num_classes=1000,
        in_channels=2048,
        loss=dict(
            type='mmpretrain.LabelSmoothLoss', label_smooth_val=0.1, mode='original'
        ),
    ),
)
