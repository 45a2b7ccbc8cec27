"""Features of all levels, fused with their context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.decode_heads.sep_aspp_head import DepthwiseSeparableASPPModule
from mmseg.models.utils import resize
from torch import Tensor, nn

from segda_mm.registry import MODELS


@MODELS.register_module()
class DAFormerHead(BaseDecodeHead):
    """Context-aware feature fusion.

    Hoyer, Dai and Van Gool, "DAFormer", CVPR 2022: features of every level are
    embedded, brought to the size of the first, stacked, and fused by depthwise
    separable dilated convolutions side by side.

    Args:
        embed_channels: Of each embedded level (the paper: 256).
        dilations: Of the convolutions; 1 is a 1x1 one (the paper: 1, 6, 12, 18).
        kwargs: Of mmseg's ``BaseDecodeHead``, of several inputs.
    """

    def __init__(
        self, embed_channels: int, dilations: Sequence[int], **kwargs: Any
    ) -> None:
        super().__init__(input_transform='multiple_select', **kwargs)
        self.embed_layers = nn.ModuleList(
            nn.Conv2d(channels, embed_channels, 1) for channels in self.in_channels
        )
        layers = dict(norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)
        self.aspp = DepthwiseSeparableASPPModule(
            dilations=dilations,
            in_channels=embed_channels * len(self.in_channels),
            channels=self.channels,
            conv_cfg=None,
            **layers,
        )
        self.bottleneck = ConvModule(
            len(dilations) * self.channels, self.channels, 3, padding=1, **layers
        )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Logits (N, C, h, w) at the size of the first level chosen."""
        levels = self._transform_inputs(inputs)
        embedded = [
            resize(
                embed(level),
                size=levels[0].shape[2:],
                mode='bilinear',
                align_corners=self.align_corners,
            )
            for embed, level in zip(self.embed_layers, levels, strict=True)
        ]
        context = torch.cat(self.aspp(torch.cat(embedded, dim=1)), dim=1)
        return self.cls_seg(self.bottleneck(context))
