# BiSeNet with ResNet-18 as Context Path; loss = CE(main) + CE(aux16) +
# CE(aux32), averaged over the pixels that are not void.
norm_cfg = dict(type='BN', requires_grad=True)
loss_decode = dict(type='PixelCrossEntropyLoss', loss_weight=1.0)
# ImageNet weights of torchvision, fetched once; a training that does without them says so (`from_scratch = True`).
imagenet_checkpoint = (
    'https://download.pytorch.org/models/resnet18-f37072fd.pth'
    '#sha256=f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec'
)
data_preprocessor = dict(
    type='DomainDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    pad_val=0,
    seg_pad_val=255,
    size_divisor=1,
)
auxiliary = dict(
    type='FCNHead',
    in_channels=128,
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
        context_channels=(128, 256, 512),
        spatial_channels=(64, 64, 64, 128),
        out_indices=(0, 1, 2),
        out_channels=256,
        backbone_cfg=dict(
            type='ResNet',
            in_channels=3,
            depth=18,
            num_stages=4,
            out_indices=(0, 1, 2, 3),
            dilations=(1, 1, 1, 1),
            strides=(1, 2, 2, 2),
            norm_cfg=norm_cfg,
            norm_eval=False,
            style='pytorch',
            contract_dilation=True,
            init_cfg=dict(type='Pretrained', checkpoint=imagenet_checkpoint),
        ),
        norm_cfg=norm_cfg,
        align_corners=False,
        init_cfg=None,
    ),
    decode_head=dict(
        type='FCNHead',
        in_channels=256,
        in_index=0,
        channels=256,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0.1,
        num_classes=19,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=loss_decode,
    ),
    auxiliary_head=[dict(auxiliary, in_index=1), dict(auxiliary, in_index=2)],
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
