"""The two branches of Panoptic-DeepLab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from mmengine.dist import get_world_size
from mmengine.model import BaseModule
from mmseg.utils import ConfigType, SampleList
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from segda_mm.ops.panoptic_outputs import PanopticOutputs, resize_panoptic_outputs
from segda_mm.registry import MODELS

#: What the losses compare with; :class:`PanopticTargets` makes all but the first.
TARGETS = (
    'gt_sem_seg',
    'gt_sem_seg_weight',
    'gt_center_heatmap',
    'gt_center_weight',
    'gt_offset',
    'gt_offset_weight',
)


@MODELS.register_module()
class PanopticDeepLabHead(BaseModule):
    """Semantic classes, centers of instances, and offsets to them.

    Cheng et al., "Panoptic-DeepLab", CVPR 2020, section 3.1. Two branches of ASPP
    and decoder share nothing but the backbone's features. With a batch of one
    image (in all processes, with SyncBN) the norm behind the pooling of ASPP uses
    its running statistics, as PyTorch cannot normalise single values.

    Args:
        in_channels: Channels of the features of stride 4, 8 and 16.
        in_index: Which of the backbone's outputs these are.
        num_classes: C, classes of the semantic branch.
        thing_classes: Those of them that have instances.
        separable: Whether 3x3 and 5x5 convolutions are depthwise separable, as the
            paper's are, or dense, as those of "Naive-Student", ECCV 2020.
        aspp_channels: Width of each ASPP and its five parts.
        aspp_rates: Dilations of its 3x3 convolutions.
        semantic_projection_channels: Widths of the semantic branch's projections
            of stride 8 and of stride 4.
        semantic_channels: Width of its decoder and of its head.
        instance_projection_channels: As above, of the instance branch.
        instance_channels: Width of its decoder.
        center_channels: Width of the heads of centers and of offsets.
        dropout_ratio: Share of the values of ASPP dropped in training.
        norm_cfg: Of the norms.
        loss_semantic: See :class:`HardPixelCrossEntropy`.
        loss_center: See :class:`MaskedRegressionLoss`.
        loss_offset: As ``loss_center``.
        init_cfg: None: convolutions as by He et al. 2015, the last ones smaller.
    """

    # Read by mmseg, which resizes logits; here all is resized like this.
    align_corners = True

    def __init__(
        self,
        in_channels: Sequence[int],
        in_index: Sequence[int],
        num_classes: int,
        thing_classes: Sequence[int],
        separable: bool,
        aspp_channels: int,
        aspp_rates: Sequence[int],
        semantic_projection_channels: Sequence[int],
        semantic_channels: int,
        instance_projection_channels: Sequence[int],
        instance_channels: int,
        center_channels: int,
        dropout_ratio: float,
        norm_cfg: ConfigType,
        loss_semantic: ConfigType,
        loss_center: ConfigType,
        loss_offset: ConfigType,
        init_cfg: ConfigType | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if not set(thing_classes) <= set(range(num_classes)):
            raise ValueError(
                f'decode_head.thing_classes {list(thing_classes)} are not all in '
                f'[0, {num_classes}), the classes that num_classes allows'
            )
        self.in_index = tuple(in_index)
        self.num_classes = num_classes
        self.out_channels = num_classes
        self.thing_classes = tuple(thing_classes)

        conv = _Convolutions(separable, norm_cfg)
        aspp = dict(channels=aspp_channels, rates=aspp_rates, dropout=dropout_ratio)
        self.semantic_branch = _Branch(
            conv, in_channels, semantic_projection_channels, semantic_channels, aspp
        )
        self.instance_branch = _Branch(
            conv, in_channels, instance_projection_channels, instance_channels, aspp
        )
        self.semantic_head = _prediction_head(
            conv, semantic_channels, semantic_channels, num_classes, initial_std=0.01
        )
        self.center_head, self.offset_head = (
            _prediction_head(
                conv, instance_channels, center_channels, maps, initial_std=0.001
            )
            for maps in (1, 2)
        )
        self.loss_semantic = MODELS.build(loss_semantic)
        self.loss_center = MODELS.build(loss_center)
        self.loss_offset = MODELS.build(loss_offset)

    def forward(self, inputs: Sequence[Tensor]) -> PanopticOutputs:
        """Maps of stride 4 from the backbone's outputs, (N, C_i, h_i, w_i) each."""
        features = [inputs[index] for index in self.in_index]
        semantic = self.semantic_branch(features)
        instance = self.instance_branch(features)
        return PanopticOutputs(
            seg_logits=self.semantic_head(semantic),
            center_heatmap=self.center_head(instance),
            offset=self.offset_head(instance),
        )

    def loss(
        self,
        inputs: Sequence[Tensor],
        batch_data_samples: SampleList,
        train_cfg: ConfigType,
    ) -> dict[str, Tensor]:
        """Predict from the backbone's outputs and compare, see :meth:`loss_by_feat`."""
        return self.loss_by_feat(self(inputs), batch_data_samples)

    def loss_by_feat(
        self, outputs: PanopticOutputs, batch_data_samples: SampleList
    ) -> dict[str, Tensor]:
        """Compare the maps of :meth:`forward` with the targets, at the targets' size.

        Returns:
            Scalars ``loss_semantic``, ``loss_center`` and ``loss_offset``.

        Raises:
            KeyError: A sample lacks one of :data:`TARGETS`.
        """
        targets = {name: _stack(batch_data_samples, name) for name in TARGETS}
        size = targets['gt_sem_seg'].shape[-2:]
        outputs = resize_panoptic_outputs(outputs, size)
        return dict(
            loss_semantic=self.loss_semantic(
                outputs.seg_logits,
                targets['gt_sem_seg'].squeeze(1).long(),
                targets['gt_sem_seg_weight'].squeeze(1),
            ),
            loss_center=self.loss_center(
                outputs.center_heatmap,
                targets['gt_center_heatmap'],
                targets['gt_center_weight'],
            ),
            loss_offset=self.loss_offset(
                outputs.offset, targets['gt_offset'], targets['gt_offset_weight']
            ),
        )


@dataclass(frozen=True)
class _Convolutions:
    """Makes convolutions that keep the size, with norm and ReLU."""

    separable: bool
    norm_cfg: ConfigType

    def pointwise(self, in_channels: int, out_channels: int) -> ConvModule:
        return ConvModule(in_channels, out_channels, 1, norm_cfg=self.norm_cfg)

    def spatial(
        self, in_channels: int, out_channels: int, kernel_size: int, dilation: int = 1
    ) -> nn.Module:
        kind = DepthwiseSeparableConvModule if self.separable else ConvModule
        return kind(
            in_channels,
            out_channels,
            kernel_size,
            padding=dilation * (kernel_size // 2),
            dilation=dilation,
            norm_cfg=self.norm_cfg,
        )


class _Branch(nn.Module):
    """ASPP and decoder: features of stride 4, 8, 16 to one map of stride 4."""

    def __init__(
        self,
        conv: _Convolutions,
        in_channels: Sequence[int],
        projection_channels: Sequence[int],
        channels: int,
        aspp: dict,
    ) -> None:
        super().__init__()
        self.aspp = _ASPP(conv, in_channels[2], **aspp)
        self.projections = nn.ModuleList()
        self.fusions = nn.ModuleList()
        coarse_channels = aspp['channels']
        for feature_channels, projected in zip(in_channels[1::-1], projection_channels):
            self.projections.append(conv.pointwise(feature_channels, projected))
            self.fusions.append(conv.spatial(coarse_channels + projected, channels, 5))
            coarse_channels = channels

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        coarse = self.aspp(features[2])
        for feature, projection, fusion in zip(
            features[1::-1], self.projections, self.fusions
        ):
            coarse = F.interpolate(
                coarse, size=feature.shape[2:], mode='bilinear', align_corners=True
            )
            coarse = fusion(torch.cat([coarse, projection(feature)], dim=1))
        return coarse


class _ASPP(nn.Module):
    """Atrous spatial pyramid pooling: a map in five contexts, joined."""

    def __init__(
        self,
        conv: _Convolutions,
        in_channels: int,
        channels: int,
        rates: Sequence[int],
        dropout: float,
    ) -> None:
        super().__init__()
        self.contexts = nn.ModuleList([conv.pointwise(in_channels, channels)])
        for rate in rates:
            self.contexts.append(conv.spatial(in_channels, channels, 3, rate))
        self.pooling = conv.pointwise(in_channels, channels)
        self.projection = conv.pointwise((len(rates) + 2) * channels, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, feature: Tensor) -> Tensor:
        contexts = [context(feature) for context in self.contexts]
        pooled = self.pooling.conv(feature.mean(dim=(2, 3), keepdim=True))
        pooled = self.pooling.activate(_norm_of_single_pixels(self.pooling, pooled))
        contexts.append(pooled.expand(-1, -1, *feature.shape[2:]))
        return self.dropout(self.projection(torch.cat(contexts, dim=1)))


def _norm_of_single_pixels(module: ConvModule, pooled: Tensor) -> Tensor:
    norm = module.norm
    if not isinstance(norm, _BatchNorm) or not norm.training or len(pooled) > 1:
        return norm(pooled)
    if isinstance(norm, nn.SyncBatchNorm) and get_world_size(norm.process_group) > 1:
        return norm(pooled)
    return F.batch_norm(
        pooled,
        norm.running_mean,
        norm.running_var,
        norm.weight,
        norm.bias,
        training=False,
        eps=norm.eps,
    )


def _prediction_head(
    conv: _Convolutions,
    in_channels: int,
    channels: int,
    out_channels: int,
    initial_std: float,
) -> nn.Sequential:
    predictor = nn.Conv2d(channels, out_channels, 1)
    nn.init.normal_(predictor.weight, std=initial_std)
    nn.init.zeros_(predictor.bias)
    return nn.Sequential(conv.spatial(in_channels, channels, 5), predictor)


def _stack(samples: SampleList, name: str) -> Tensor:
    missing = [index for index, sample in enumerate(samples) if name not in sample]
    if missing:
        raise KeyError(
            f'samples {missing} of the batch lack {name}; the training pipeline '
            'needs the transforms PanopticTargets, which makes the targets, and '
            'then PackPanopticInputs, which packs them'
        )
    return torch.stack([sample.get(name).data for sample in samples])
