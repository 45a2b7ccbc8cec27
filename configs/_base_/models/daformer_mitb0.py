# The same with MiT-B0, for a twentieth of the parameters of its encoder.
_base_ = './daformer_mitb5.py'
segmentor = dict(
    backbone=dict(
        embed_dims=32,
        num_layers=[2, 2, 2, 2],
        init_cfg=dict(checkpoint='data/weights/mit_b0_20220624-7e0fe6dd.pth'),
    ),
    decode_head=dict(in_channels=[32, 64, 160, 256]),
)
