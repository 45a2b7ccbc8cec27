# BiSeNet-R101 with a quarter of the channels, from scratch: for studies of many
# trainings on two CPU cores.
_base_ = './bisenetv1_r101.py'
auxiliary_head = _base_.segmentor.auxiliary_head
for head in auxiliary_head:
    head.update(in_channels=128, channels=64)
del head
segmentor = dict(
    backbone=dict(
        context_channels=(128, 256, 512),
        spatial_channels=(64, 64, 64, 128),
        out_channels=256,
        backbone_cfg=dict(base_channels=16, stem_channels=16, init_cfg=None),
    ),
    decode_head=dict(in_channels=256, channels=256),
    auxiliary_head=auxiliary_head,
)
