# Panoptic-DeepLab with X-71: no drop path, no multi-grid, and a head of depthwise separable convolutions. 46.75 M
# parameters.
_base_ = './panoptic_deeplab_wr41.py'
# The epsilon of the published weights of X-71.
norm_cfg = dict(type='SyncBN', eps=1e-3, requires_grad=True)
# Either written by configs/imagenet, or by `segda weights --convert` from timm's weights.
imagenet_checkpoint = 'work_dirs/classifier_x71_imagenet-299x299/epoch_90.pth'
model = dict(
    backbone=dict(
        _delete_=True,
        type='Xception71',
        output_stride=16,
        with_checkpoint=False,
        norm_cfg=norm_cfg,
        init_cfg=dict(
            type='StrictPretrained', checkpoint=imagenet_checkpoint, prefix='backbone.'
        ),
    ),
    decode_head=dict(in_channels=(256, 728, 2048), separable=True, norm_cfg=norm_cfg),
)
