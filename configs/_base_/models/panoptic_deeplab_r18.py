# Panoptic-DeepLab for two CPU cores: half of ResNet-18's width, output stride
# 16, and a narrow head. Its convolutions are dense: on a CPU the weight gradient of
# a depthwise one takes longer than that of a dense one of this width.
norm_cfg = dict(type='BN', requires_grad=True)
data_preprocessor = dict(
    type='PanopticDataPreprocessor',
    mean=[127.5, 127.5, 127.5],
    std=[127.5, 127.5, 127.5],
    bgr_to_rgb=True,
    pad_val=0,
    seg_pad_val=255,
    size=(193, 385),
    test_cfg=dict(size=(257, 513)),
)
model = dict(
    type='PanopticDeepLab',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='ResNet',
        depth=18,
        stem_channels=32,
        base_channels=32,
        num_stages=4,
        out_indices=(0, 1, 3),
        strides=(1, 2, 2, 1),
        dilations=(1, 1, 1, 2),
        contract_dilation=True,
        norm_cfg=norm_cfg,
        norm_eval=False,
        style='pytorch',
    ),
    decode_head=dict(
        type='PanopticDeepLabHead',
        in_channels=(32, 64, 256),
        in_index=(0, 1, 2),
        num_classes=19,
        thing_classes=(11, 12, 13, 14, 15, 16, 17, 18),
        separable=False,
        aspp_channels=64,
        # Half of the rates that belong to 1025x2049: the map is 17x33.
        aspp_rates=(3, 6, 9),
        semantic_projection_channels=(32, 16),
        semantic_channels=48,
        instance_projection_channels=(16, 16),
        instance_channels=32,
        center_channels=32,
        dropout_ratio=0.1,
        norm_cfg=norm_cfg,
        loss_semantic=dict(
            type='HardPixelCrossEntropy', hard_fraction=0.2, loss_weight=1.0
        ),
        loss_center=dict(type='MaskedRegressionLoss', norm='l2', loss_weight=200.0),
        # Offsets are a quarter of those of 1025x2049.
        loss_offset=dict(type='MaskedRegressionLoss', norm='l1', loss_weight=0.04),
    ),
    train_cfg=dict(),
    # A quarter of the paper's window and a sixteenth of its area: the images
    # are a quarter of Cityscapes' in each direction.
    test_cfg=dict(
        mode='whole', center_threshold=0.1, nms_kernel_size=5, top_k=200, stuff_area=256
    ),
)
