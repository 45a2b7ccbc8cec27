# BiSeNet with ResNet-101 as Context Path.
_base_ = './bisenetv1_r18.py'
imagenet_checkpoint = (
    'https://download.pytorch.org/models/resnet101-63fe2227.pth'
    '#sha256=63fe2227b86e8f1f2063f43a75c84d195911b6a0eace650907dd3dc62dd49a0a'
)
auxiliary_head = _base_.segmentor.auxiliary_head
for head in auxiliary_head:
    head.in_channels, head.channels = 512, 256
del head
segmentor = dict(
    backbone=dict(
        context_channels=(512, 1024, 2048),
        spatial_channels=(256, 256, 256, 512),
        out_channels=1024,
        backbone_cfg=dict(depth=101, init_cfg=dict(checkpoint=imagenet_checkpoint)),
    ),
    decode_head=dict(in_channels=1024, channels=1024),
    auxiliary_head=auxiliary_head,
)
