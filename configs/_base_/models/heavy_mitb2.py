# SegFormer with MiT-B2, the large network beside a light one.
# ImageNet weights in the form of MMSegmentation, which publishes no whole hash of them.
# Fetch the file of this name into data/weights, from
# https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segformer/
heavy_checkpoint = 'data/weights/mit_b2_20220624-66e8bf70.pth'
heavy_segmentor = dict(
    type='EncoderDecoder',
    backbone=dict(
        type='MixVisionTransformer',
        embed_dims=64,
        num_layers=[3, 4, 6, 3],
        num_heads=[1, 2, 5, 8],
        patch_sizes=[7, 3, 3, 3],
        sr_ratios=[8, 4, 2, 1],
        out_indices=(0, 1, 2, 3),
        mlp_ratio=4,
        qkv_bias=True,
        drop_path_rate=0.1,
        init_cfg=dict(type='Pretrained', checkpoint=heavy_checkpoint),
    ),
    decode_head=dict(
        type='SegformerHead',
        in_channels=[64, 128, 320, 512],
        in_index=[0, 1, 2, 3],
        channels=256,
        dropout_ratio=0.1,
        num_classes=19,
        norm_cfg=dict(type='BN', requires_grad=True),
        align_corners=False,
        loss_decode=dict(type='PixelCrossEntropyLoss', loss_weight=1.0),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
