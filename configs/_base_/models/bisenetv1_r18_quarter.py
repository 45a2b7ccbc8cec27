# BiSeNet-R18 with a quarter of the channels, from scratch: for studies of many
# trainings on two CPU cores.
_base_ = './bisenetv1_r18.py'
auxiliary_head = _base_.segmentor.auxiliary_head
for head in auxiliary_head:
    head.update(in_channels=32, channels=16)
del head
segmentor = dict(
    backbone=dict(
        context_channels=(32, 64, 128),
        spatial_channels=(16, 16, 16, 32),
        out_channels=64,
        backbone_cfg=dict(base_channels=16, stem_channels=16, init_cfg=None),
    ),
    decode_head=dict(in_channels=64, channels=64),
    auxiliary_head=auxiliary_head,
)
