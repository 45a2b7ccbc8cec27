# Panoptic-DeepLab (Cheng et al., CVPR 2020) with WR-41, as in section 4.3 of "Naive-Student" (Chen et al., ECCV 2020):
# drop path with a constant survival of 0.8 and multi-grid (1, 2, 4), output stride 16. 147.27 M parameters.
# With the wide networks all convolutions of the head are dense: only then are the parameters those of the paper.
# The momentum and the epsilon of batch normalization are not in the paper and stay at PyTorch's.
norm_cfg = dict(type='SyncBN', requires_grad=True)
# Written by configs/imagenet.
imagenet_checkpoint = (
    'work_dirs/classifier_wr41-drop-path_imagenet-224x224/epoch_90.pth'
)
# Absent files of this list are reported and training starts from scratch.
# The input is pixel / 127.5 - 1, and what is padded is 0 behind that.
data_preprocessor = dict(
    type='PanopticDataPreprocessor',
    mean=[127.5] * 3,
    std=[127.5] * 3,
    bgr_to_rgb=True,
    pad_val=0,
    seg_pad_val=255,
    size=(1025, 2049),
    test_cfg=dict(size=(1025, 2049)),
)
model = dict(
    type='PanopticDeepLab',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='WideResNet41',
        output_stride=16,
        multi_grid=(1, 2, 4),
        drop_path_survival=0.8,
        with_checkpoint=False,
        norm_cfg=norm_cfg,
        init_cfg=dict(
            type='StrictPretrained', checkpoint=imagenet_checkpoint, prefix='backbone.'
        ),
    ),
    decode_head=dict(
        type='PanopticDeepLabHead',
        in_channels=(256, 512, 2048),
        in_index=(0, 1, 2),
        num_classes=19,
        thing_classes=(11, 12, 13, 14, 15, 16, 17, 18),
        separable=False,
        aspp_channels=256,
        aspp_rates=(6, 12, 18),
        semantic_projection_channels=(64, 32),
        semantic_channels=256,
        instance_projection_channels=(32, 16),
        instance_channels=128,
        center_channels=32,
        dropout_ratio=0.1,
        norm_cfg=norm_cfg,
        loss_semantic=dict(
            type='HardPixelCrossEntropy', hard_fraction=0.2, loss_weight=1.0
        ),
        loss_center=dict(type='MaskedRegressionLoss', norm='l2', loss_weight=200.0),
        loss_offset=dict(type='MaskedRegressionLoss', norm='l1', loss_weight=0.01),
    ),
    train_cfg=dict(),
    test_cfg=dict(
        mode='whole',
        center_threshold=0.1,
        nms_kernel_size=7,
        top_k=200,
        stuff_area=4096,
    ),
)
