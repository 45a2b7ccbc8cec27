# MiT-B5, with the head that fuses features of all levels with their context.
norm_cfg = dict(type='BN', requires_grad=True)
# ImageNet weights in the form of MMSegmentation, which publishes no whole hash of them.
# Fetch the file of this name into data/weights, from
# https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segformer/
imagenet_checkpoint = 'data/weights/mit_b5_20220624-658746d9.pth'
data_preprocessor = dict(
    type='DomainDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    pad_val=0,
    seg_pad_val=255,
    size_divisor=1,
)
segmentor = dict(
    type='EncoderDecoder',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='MixVisionTransformer',
        embed_dims=64,
        num_layers=[3, 6, 40, 3],
        num_heads=[1, 2, 5, 8],
        patch_sizes=[7, 3, 3, 3],
        sr_ratios=[8, 4, 2, 1],
        out_indices=(0, 1, 2, 3),
        mlp_ratio=4,
        qkv_bias=True,
        drop_path_rate=0.1,
        init_cfg=dict(type='Pretrained', checkpoint=imagenet_checkpoint),
    ),
    decode_head=dict(
        type='DAFormerHead',
        in_channels=[64, 128, 320, 512],
        in_index=[0, 1, 2, 3],
        embed_channels=256,
        channels=256,
        dilations=(1, 6, 12, 18),
        dropout_ratio=0.1,
        num_classes=19,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='PixelCrossEntropyLoss', loss_weight=1.0),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
