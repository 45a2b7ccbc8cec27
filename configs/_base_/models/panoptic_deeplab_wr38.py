# Panoptic-DeepLab with WR-38: drop path with a constant survival of 0.8 and multi-grid (1, 2). 173.75 M parameters.
_base_ = './panoptic_deeplab_wr41.py'
imagenet_checkpoint = (
    'work_dirs/classifier_wr38-drop-path_imagenet-224x224/epoch_90.pth'
)
model = dict(
    backbone=dict(
        type='WideResNet38',
        multi_grid=(1, 2),
        init_cfg=dict(checkpoint=imagenet_checkpoint),
    ),
    decode_head=dict(in_channels=(256, 512, 4096)),
)
