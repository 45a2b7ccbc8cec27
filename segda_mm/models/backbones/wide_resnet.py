"""The wide residual networks WR-38 and WR-41."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn
from torchvision.ops import StochasticDepth

from segda_mm.models.backbones.common import (
    dilations_of_last_units,
    run_recomputed,
    scaled_width,
)
from segda_mm.registry import MODELS


class Stage(NamedTuple):
    """One row of the table of a network; stride 2 lies in a stage's last unit.

    Two widths are those of a basic unit, three those of a bottleneck.
    """

    name: str
    units: int
    widths: tuple[int, ...]
    strided: bool = False


COMMON_STAGES = (
    Stage('b2', 3, (128, 128)),
    Stage('b3', 3, (256, 256), strided=True),
    Stage('b4', 6, (512, 512), strided=True),
)


class WideResidualUnit(nn.Module):
    """A residual unit with ReLU after the sum: ``ReLU(branch(x) + shortcut(x))``.

    Stride is that of the second convolution and the shortcut, dilation that of 3x3
    convolutions; ``widths`` see :class:`Stage`.
    """

    def __init__(
        self,
        in_channels: int,
        widths: Sequence[int],
        stride: int,
        dilation: int,
        survival: float,
        norm_cfg: dict,
    ) -> None:
        super().__init__()
        kernels = {2: (3, 3), 3: (1, 3, 1)}[len(widths)]
        self.branch = nn.Sequential()
        channels = in_channels
        for index, (kernel, width) in enumerate(zip(kernels, widths)):
            rate = dilation if kernel == 3 else 1
            self.branch.append(
                ConvModule(
                    channels,
                    width,
                    kernel,
                    stride=stride if index == 1 else 1,
                    padding=rate * (kernel // 2),
                    dilation=rate,
                    norm_cfg=norm_cfg,
                    act_cfg=dict(type='ReLU') if index + 1 < len(widths) else None,
                )
            )
            channels = width
        self.drop_path = StochasticDepth(1 - survival, 'row')
        self.stride = stride
        self.projection = None
        if in_channels != channels:
            self.projection = ConvModule(
                in_channels, channels, 1, stride, norm_cfg=norm_cfg, act_cfg=None
            )

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, in_channels, H, W) to (N, width, ceil(H / s), ceil(W / s))."""
        if self.projection is not None:
            shortcut = self.projection(x)
        else:
            shortcut = x[..., :: self.stride, :: self.stride]
        return F.relu(self.drop_path(self.branch(x)) + shortcut, inplace=True)


class WideResNet(BaseModule):
    """A wide residual network from a table of stages.

    A 3x3 convolution of stride 2, the stages, and a 3x3 max pool behind the first.

    ``stages`` of a subclass is the table, from ``b2`` on.

    Args:
        output_stride: 16 or 32; with 16 what follows the last stride is dilated.
        multi_grid: Unit rates of the bottlenecks' dilations; None: all 1.
        drop_path_survival: Probability that a sample's residual branch is kept, of
            Huang et al., "Deep Networks with Stochastic Depth", ECCV 2016.
        with_checkpoint: Recompute units in the backward pass, to save memory.
        out_indices: Which maps are returned: 0 and 1, at stride 4 and 8, from
            before the strided units of ``b3`` and ``b4``; 2, the last one.
        width_multiplier: For slim versions; widths are multiples of 8.
        norm_cfg: Of every normalization.
        init_cfg: See mmengine; None: convolutions by Kaiming.
    """

    stages: tuple[Stage, ...]

    def __init__(
        self,
        output_stride: int = 32,
        multi_grid: Sequence[int] | None = None,
        drop_path_survival: float = 1.0,
        with_checkpoint: bool = False,
        out_indices: Sequence[int] = (0, 1, 2),
        width_multiplier: float = 1.0,
        norm_cfg: dict = dict(type='BN', requires_grad=True),  # noqa: B006
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        if init_cfg is None:
            init_cfg = [
                dict(type='Kaiming', layer='Conv2d'),
                dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm']),
            ]
        super().__init__(init_cfg)
        if not 0 < drop_path_survival <= 1:
            raise ValueError(
                f'drop_path_survival must lie in (0, 1], not {drop_path_survival}'
            )
        self.with_checkpoint = with_checkpoint
        self.out_indices = tuple(out_indices)
        stages = self.stages
        bottlenecks = sum(stage.units for stage in stages if len(stage.widths) == 3)
        dilations = iter(
            dilations_of_last_units(output_stride, multi_grid, bottlenecks)
        )

        channels = scaled_width(64, width_multiplier)
        self.conv1 = ConvModule(3, channels, 3, stride=2, padding=1, norm_cfg=norm_cfg)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        reached = 4
        for stage in stages:
            widths = [scaled_width(w, width_multiplier) for w in stage.widths]
            stride = 2 if stage.strided and reached < output_stride else 1
            reached *= stride
            units = nn.ModuleList()
            for index in range(stage.units):
                units.append(
                    WideResidualUnit(
                        channels,
                        widths,
                        stride if index + 1 == stage.units else 1,
                        next(dilations) if len(widths) == 3 else 1,
                        drop_path_survival,
                        norm_cfg,
                    )
                )
                channels = widths[-1]
            self.add_module(stage.name, units)

        taps = [scaled_width(stages[i].widths[-1], width_multiplier) for i in (1, 2)]
        self.feature_channels = tuple([*taps, channels][i] for i in self.out_indices)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Maps of ``out_indices`` of an image (N, 3, H, W), of sides ceil(S / s)."""
        x = self._run(self.conv1, image)
        maps = []
        for stage in self.stages:
            for index, unit in enumerate(getattr(self, stage.name)):
                x = self._run(unit, x)
                if stage.name in ('b3', 'b4') and index == stage.units - 2:
                    maps.append(x)
            if stage.name == 'b2':
                x = self.pool(x)
        maps.append(x)
        return tuple(maps[index] for index in self.out_indices)

    def _run(self, module: nn.Module, x: Tensor) -> Tensor:
        return run_recomputed(module, x) if self.with_checkpoint else module(x)


@MODELS.register_module()
class WideResNet38(WideResNet):
    """WR-38: 109.18 M parameters and 45.99 B multiply-adds at 224 x 224.

    Wu et al., "Wider or Deeper", 2016, in the version of Chen et al.,
    "Naive-Student", ECCV 2020, Table 11, with a classifier of 1000 classes. The
    paper's ``multi_grid`` is (1, 2).
    """

    stages = (
        *COMMON_STAGES,
        Stage('b5', 3, (512, 1024), strided=True),
        Stage('b6', 1, (512, 1024, 2048)),
        Stage('b7', 1, (1024, 2048, 4096)),
    )


@MODELS.register_module()
class WideResNet41(WideResNet):
    """WR-41: 111.06 M parameters and 49.30 B multiply-adds at 224 x 224.

    Chen et al., "Naive-Student", ECCV 2020, section 4.3. The counts of its Table 11
    are met with 1024 as first width of ``b5``; the 512 printed there makes 85 M.
    The paper's ``multi_grid`` is (1, 2, 4).
    """

    stages = (
        *COMMON_STAGES,
        Stage('b5', 3, (1024, 1024), strided=True),
        Stage('b6', 3, (512, 1024, 2048)),
    )
