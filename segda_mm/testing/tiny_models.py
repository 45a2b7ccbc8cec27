"""Configs of segmentors that step in a fraction of a second on a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import nn, optim

NORM = dict(type='BN', requires_grad=True)
RESNET = dict(type='ResNet', depth=18, base_channels=8, stem_channels=8)
CROSS_ENTROPY = dict(type='PixelCrossEntropyLoss', loss_weight=1.0)


def _segmentor(backbone: dict, decode_head: dict, **kwargs) -> ConfigDict:
    return ConfigDict(
        type='EncoderDecoder',
        backbone=backbone,
        decode_head=decode_head,
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
        **kwargs,
    )


def _fcn_head(in_channels: Any, in_index: Any, num_classes: int) -> dict:
    return dict(
        type='FCNHead',
        in_channels=in_channels,
        in_index=in_index,
        channels=16,
        num_convs=1,
        concat_input=False,
        num_classes=num_classes,
        norm_cfg=NORM,
        loss_decode=CROSS_ENTROPY,
    )


def tiny_bisenet(num_classes: int = 4) -> ConfigDict:
    """BiSeNetV1 over a narrow ResNet-18, with both auxiliary heads."""
    backbone = dict(
        type='BiSeNetV1',
        context_channels=(16, 32, 64),
        spatial_channels=(8, 8, 8, 16),
        out_channels=32,
        backbone_cfg=RESNET,
    )
    heads = [_fcn_head(16, index, num_classes) for index in (1, 2)]
    return _segmentor(backbone, _fcn_head(32, 0, num_classes), auxiliary_head=heads)


def tiny_stdc(num_classes: int = 4) -> ConfigDict:
    """STDC with its detail head."""
    backbone = dict(
        type='STDCContextPathNet',
        backbone_cfg=dict(
            type='STDCNet',
            stdc_type='STDCNet1',
            in_channels=3,
            channels=(8, 16, 16, 32, 64),
            bottleneck_type='cat',
            norm_cfg=NORM,
            act_cfg=dict(type='ReLU'),
        ),
        last_in_channels=(64, 32),
        out_channels=16,
        ffm_cfg=dict(in_channels=32, out_channels=32, scale_factor=4),
    )
    detail_head = dict(
        _fcn_head(16, 0, num_classes=2),
        type='STDCHead',
        boundary_threshold=0.1,
        align_corners=True,
        loss_decode=[
            dict(type='CrossEntropyLoss', loss_name='loss_ce', use_sigmoid=True),
            dict(type='DiceLoss', loss_name='loss_dice'),
        ],
    )
    heads = [_fcn_head(16, 2, num_classes), detail_head]
    return _segmentor(backbone, _fcn_head(32, 3, num_classes), auxiliary_head=heads)


def tiny_pidnet(num_classes: int = 4) -> ConfigDict:
    """PIDNet; its generator needs ``edge_width``."""
    hard = dict(type='OhemCrossEntropy', thres=0.9, min_kept=1000, loss_weight=1.0)
    backbone = dict(
        type='PIDNet',
        channels=8,
        ppm_channels=16,
        num_stem_blocks=1,
        num_branch_blocks=1,
    )
    decode_head = dict(
        type='PIDHead',
        in_channels=32,
        channels=16,
        num_classes=num_classes,
        align_corners=True,
        loss_decode=[
            dict(CROSS_ENTROPY, loss_weight=0.4),
            hard,
            dict(type='BoundaryLoss', loss_weight=20.0),
            hard,
        ],
    )
    return _segmentor(backbone, decode_head)


def tiny_ddrnet(num_classes: int = 4) -> ConfigDict:
    """DDRNet, which takes images whose sides are multiples of 8."""
    hard = dict(type='OhemCrossEntropy', thres=0.9, min_kept=1000, loss_weight=1.0)
    backbone = dict(type='DDRNet', channels=8, ppm_channels=16, norm_cfg=NORM)
    decode_head = dict(
        type='DDRHead',
        in_channels=32,
        channels=16,
        num_classes=num_classes,
        loss_decode=[hard, dict(hard, loss_weight=0.4)],
    )
    return _segmentor(backbone, decode_head)


def tiny_unet(num_classes: int = 4, num_stages: int = 4) -> ConfigDict:
    """UNet, which halves its maps ``num_stages - 1`` times."""
    backbone = dict(
        type='UNet',
        base_channels=4,
        num_stages=num_stages,
        strides=(1,) * num_stages,
        enc_num_convs=(1,) * num_stages,
        dec_num_convs=(1,) * (num_stages - 1),
        downsamples=(True,) * (num_stages - 1),
        enc_dilations=(1,) * num_stages,
        dec_dilations=(1,) * (num_stages - 1),
        norm_cfg=NORM,
    )
    return _segmentor(backbone, _fcn_head(4, -1, num_classes))


def tiny_segformer(num_classes: int = 4) -> ConfigDict:
    """SegFormer with a narrow Mix Transformer."""
    backbone = dict(
        type='MixVisionTransformer',
        embed_dims=8,
        num_layers=[1, 1, 1, 1],
        mlp_ratio=2,
        drop_path_rate=0.1,
    )
    head = _fcn_head([8, 16, 32, 64], [0, 1, 2, 3], num_classes)
    del head['num_convs'], head['concat_input']
    decode_head = dict(head, type='SegformerHead')
    return _segmentor(backbone, decode_head)


def tiny_daformer(num_classes: int = 4) -> ConfigDict:
    """A narrow ResNet-18 with a narrow ``DAFormerHead``."""
    head = _fcn_head([8, 16, 32, 64], [0, 1, 2, 3], num_classes)
    del head['num_convs'], head['concat_input']
    decode_head = dict(head, type='DAFormerHead', embed_channels=8, dilations=(1, 2))
    return _segmentor(dict(RESNET), decode_head)


#: Segmentors of all kinds, and what their ``SegmentorGenerator`` is told besides.
TINY_SEGMENTORS = (
    (tiny_bisenet, {}),
    (tiny_stdc, {}),
    (tiny_segformer, {}),
    (tiny_pidnet, dict(edge_width=4)),
)

_DISCRIMINATOR = dict(type='DSCDiscriminator', num_classes=4)
_MEAN_TEACHER = dict(
    mixing=None,
    pseudo_labeler=None,
    augmentation=None,
    decay=0.9,
    target_loss_weight=1.0,
    label_batch_statistics=True,
)
_DAFORMER = dict(
    _MEAN_TEACHER,
    thing_classes=(2, 3),
    min_thing_share=0.75,
    feature_distance_weight=0.5,
)
_LIGHT_STUDENT = dict(
    light_generator=dict(type='SegmentorGenerator', segmentor=tiny_bisenet()),
    distillation_weight=1.0,
    temperature=2.0,
)
_METHODS = dict(
    BiSeNetDA=dict(
        discriminator=_DISCRIMINATOR, adv_weight=0.001, target_loss_weight=0.0
    ),
    MeanTeacher=_MEAN_TEACHER,
    DAFormer=_DAFORMER,
    HeavyTeacher=_MEAN_TEACHER | _LIGHT_STUDENT,
    HeavyDAFormer=_DAFORMER | _LIGHT_STUDENT,
    MetaPseudoLabels=dict(
        discriminator=_DISCRIMINATOR,
        feedback_rule=dict(
            type='LossProductFeedback', growth_epochs=40, full_after_epoch=25
        ),
        student_adv_weight=0.001,
        teacher_adv_weight=1.0,
        pseudo_labeler=dict(type='ClassMedian', cap=0.9, scope='image'),
        label_batch_statistics=False,
        uda_probability=0.0,
        uda_sigma=0.2,
    ),
    SourceFree=dict(
        trained='norm',
        unlabeled_losses=[dict(type='EntropyLoss', loss_weight=1.0)],
        target_loss_weight=0.0,
    ),
)


def tiny_method(
    name: str, segmentor: dict | None = None, generator: dict | None = None, **changes
) -> ConfigDict:
    """A method around a segmentor of four classes, with its data preprocessor.

    Args:
        name: ``BiSeNetDA``, ``MeanTeacher``, ``DAFormer``, ``MetaPseudoLabels``,
            ``HeavyTeacher``, ``HeavyDAFormer`` or ``SourceFree``.
        segmentor: None for :func:`tiny_bisenet`.
        generator: What the ``SegmentorGenerator`` is told besides.
        changes: Arguments of the method.
    """
    generator = dict(generator or {}, segmentor=segmentor or tiny_bisenet())
    preprocessor = dict(mean=[128.0] * 3, std=[64.0] * 3, size_divisor=1)
    return ConfigDict(
        type=name,
        **{
            **_METHODS[name],
            'generator': dict(type='SegmentorGenerator', **generator),
            'data_preprocessor': dict(type='DomainDataPreprocessor', **preprocessor),
            **changes,
        },
    )


def tiny_panoptic_deeplab(
    num_classes: int = 4,
    thing_classes: Sequence[int] | None = None,
    size: tuple[int, int] = (65, 97),
) -> ConfigDict:
    """Panoptic-DeepLab over a narrow ResNet-18, with its data preprocessor.

    ``size`` is the (H, W) that images are padded to; ``thing_classes`` are by
    default those from num_classes // 2 on.
    """
    if thing_classes is None:
        thing_classes = range(num_classes // 2, num_classes)
    strides = dict(strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2))
    preprocessor = dict(type='PanopticDataPreprocessor', size=size)
    scaling = dict(mean=[127.5] * 3, std=[127.5] * 3)
    hard_pixels = dict(type='HardPixelCrossEntropy', hard_fraction=0.2, loss_weight=1.0)
    regression = dict(type='MaskedRegressionLoss')
    centers = dict(center_threshold=0.1, nms_kernel_size=7, top_k=200)
    return ConfigDict(
        type='PanopticDeepLab',
        data_preprocessor=dict(preprocessor, test_cfg=dict(size=size), **scaling),
        backbone=dict(RESNET, out_indices=(0, 1, 3), **strides),
        decode_head=dict(
            type='PanopticDeepLabHead',
            in_channels=(8, 16, 64),
            in_index=(0, 1, 2),
            num_classes=num_classes,
            thing_classes=tuple(thing_classes),
            separable=True,
            aspp_channels=16,
            aspp_rates=(1, 2, 3),
            semantic_projection_channels=(8, 4),
            semantic_channels=16,
            instance_projection_channels=(4, 4),
            instance_channels=16,
            center_channels=8,
            dropout_ratio=0.1,
            norm_cfg=NORM,
            loss_semantic=hard_pixels,
            loss_center=dict(regression, norm='l2', loss_weight=200.0),
            loss_offset=dict(regression, norm='l1', loss_weight=0.01),
        ),
        train_cfg=dict(),
        test_cfg=dict(mode='whole', stuff_area=16, **centers),
    )


def tiny_optim_wrapper(
    model: nn.Module, *names: str, lr: float = 0.01
) -> OptimWrapperDict:
    """Plain SGD for each of a model's named children."""
    return OptimWrapperDict(
        **{
            name: OptimWrapper(optim.SGD(getattr(model, name).parameters(), lr=lr))
            for name in names
        }
    )


def one_channel(segmentor: ConfigDict, threshold: float = 0.3) -> ConfigDict:
    """A segmentor of two classes with one sigmoid channel in each head, in place."""
    heads = segmentor.get('auxiliary_head') or []
    heads = heads if isinstance(heads, list) else [heads]
    for head in [segmentor.decode_head, *heads]:
        head.update(num_classes=2, out_channels=1, threshold=threshold)
        head.loss_decode = dict(head.loss_decode, use_sigmoid=True)
    return segmentor
