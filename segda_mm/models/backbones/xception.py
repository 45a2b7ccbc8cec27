"""Xception-71 (X-71), the aligned Xception with 71 layers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch.nn.functional as F
from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from segda_mm.models.backbones.common import (
    dilations_of_last_units,
    run_recomputed,
    scaled_width,
)
from segda_mm.registry import MODELS

#: Widths of the three separable convolutions, and the stride of the third.
ENTRY_FLOW = (
    ((128, 128, 128), 2),
    ((256, 256, 256), 1),
    ((256, 256, 256), 2),
    ((728, 728, 728), 1),
    ((728, 728, 728), 2),
)
MIDDLE_WIDTHS = (728, 728, 728)
EXIT_WIDTHS = ((728, 1024, 1024), (1536, 1536, 2048))

#: Modules of the entry flow whose inner map is a feature.
TAPPED = (2, 4)


class XceptionModule(nn.Module):
    """Three separable convolutions, ReLU before each, beside a shortcut.

    The stride is that of the third; of a tapped module the output of the second is
    returned as well.
    """

    def __init__(
        self,
        in_channels: int,
        widths: Sequence[int],
        stride: int,
        tapped: bool,
        norm_cfg: dict,
    ) -> None:
        super().__init__()
        self.tapped = tapped
        self.separable1, self.separable2, self.separable3 = (
            DepthwiseSeparableConvModule(
                channels,
                width,
                3,
                stride=stride if index == 2 else 1,
                padding=1,
                norm_cfg=norm_cfg,
                act_cfg=None,
            )
            for index, (channels, width) in enumerate(pairwise((in_channels, *widths)))
        )
        self.projection = None
        if in_channels != widths[-1] or stride != 1:
            self.projection = ConvModule(
                in_channels, widths[-1], 1, stride, norm_cfg=norm_cfg, act_cfg=None
            )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """The output, and if tapped the second convolution's before its ReLU."""
        shortcut = x if self.projection is None else self.projection(x)
        inner = self.separable1(F.relu(x))
        inner = self.separable2(F.relu(inner, inplace=True))
        branch = self.separable3(F.relu(inner, inplace=not self.tapped))
        return shortcut + branch, inner if self.tapped else None


@MODELS.register_module()
class Xception71(BaseModule):
    """X-71, the light backbone of Panoptic-DeepLab; 40,289,736 parameters.

    Chollet, "Xception", CVPR 2017, as aligned by Qi et al., COCO detection
    challenge 2017, and Chen et al., "Encoder-Decoder with Atrous Separable
    Convolution", ECCV 2018. timm's weights fit after
    ``segda weights --convert``.

    Args:
        output_stride: 16 or 32; with 16 the last module is dilated by 2.
        multi_grid: Unit rates of the last module's dilations; None: all 1.
        with_checkpoint: Recompute modules in the backward pass, to save memory.
        out_indices: Which maps are returned: 0 and 1, at stride 4 and 8, from
            inside the third and fifth module, before ReLU; 2, the last one.
        middle_modules: Length of the middle flow; fewer for slim versions.
        width_multiplier: For slim versions; widths are multiples of 8.
        norm_cfg: Of every normalization.
        init_cfg: See mmengine; None: convolutions by Kaiming.
    """

    def __init__(
        self,
        output_stride: int = 32,
        multi_grid: Sequence[int] | None = None,
        with_checkpoint: bool = False,
        out_indices: Sequence[int] = (0, 1, 2),
        middle_modules: int = 16,
        width_multiplier: float = 1.0,
        norm_cfg: dict = dict(type='BN', eps=1e-3, requires_grad=True),  # noqa: B006
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        if init_cfg is None:
            # fan_in: fan_out takes a depthwise convolution for a dense one.
            init_cfg = [
                dict(type='Kaiming', layer='Conv2d', mode='fan_in'),
                dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm']),
            ]
        super().__init__(init_cfg)
        self.with_checkpoint = with_checkpoint
        self.out_indices = tuple(out_indices)
        dilations = dilations_of_last_units(output_stride, multi_grid, units=3)

        def scaled(widths: Sequence[int]) -> list[int]:
            return [scaled_width(width, width_multiplier) for width in widths]

        stem = scaled((32, 64))
        self.stem = nn.Sequential(
            ConvModule(3, stem[0], 3, stride=2, padding=1, norm_cfg=norm_cfg),
            ConvModule(stem[0], stem[1], 3, padding=1, norm_cfg=norm_cfg),
        )
        channels = stem[1]
        self.entry = nn.ModuleList()
        for index, (widths, stride) in enumerate(ENTRY_FLOW):
            widths = scaled(widths)
            self.entry.append(
                XceptionModule(channels, widths, stride, index in TAPPED, norm_cfg)
            )
            channels = widths[-1]
        self.middle = nn.ModuleList(
            XceptionModule(channels, scaled(MIDDLE_WIDTHS), 1, False, norm_cfg)
            for _ in range(middle_modules)
        )
        widths1, widths2 = map(scaled, EXIT_WIDTHS)
        stride = output_stride // 16
        self.exit1 = XceptionModule(channels, widths1, stride, False, norm_cfg)
        self.exit2 = nn.Sequential()
        for of, to, rate in zip((widths1[-1], *widths2), widths2, dilations):
            self.exit2.append(
                DepthwiseSeparableConvModule(
                    of, to, 3, padding=rate, dilation=rate, norm_cfg=norm_cfg
                )
            )

        levels = (*(scaled(ENTRY_FLOW[index][0])[1] for index in TAPPED), widths2[-1])
        self.feature_channels = tuple(levels[index] for index in self.out_indices)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Maps of ``out_indices`` of an image (N, 3, H, W), of sides ceil(S / s)."""
        x = self._run(self.stem, image)
        maps = []
        for module in (*self.entry, *self.middle, self.exit1):
            x, tap = self._run(module, x)
            if tap is not None:
                maps.append(tap)
        maps.append(self._run(self.exit2, x))
        return tuple(maps[index] for index in self.out_indices)

    def _run(self, module: nn.Module, x: Tensor) -> Any:
        return run_recomputed(module, x) if self.with_checkpoint else module(x)
