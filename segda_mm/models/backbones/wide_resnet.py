"""The wide residual networks WR-38 and WR-41."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from segda_mm.models.backbones.common import (
    checked_out_indices,
    dilations_of_last_units,
    run_recomputed,
    scaled_width,
)
from segda_mm.registry import MODELS


class Stage(NamedTuple):
    """One row of the table of a network.

    Two widths are the 3x3 convolutions of a basic unit, three the 1x1, 3x3
    and 1x1 of a bottleneck. Stride 2 lies in a stage's last unit.
    """

    name: str
    units: int
    widths: tuple[int, ...]
    strided: bool = False


class DropPath(nn.Module):
    """Leave the branch out for a sample, or scale it up so that the mean stays.

    Each sample's branch is kept with probability ``survival`` and then divided
    by it, in training only. Huang et al., "Deep Networks with Stochastic
    Depth", ECCV 2016.

    Args:
        survival: Probability in (0, 1] that a sample keeps the branch.

    Raises:
        ValueError: ``survival`` is not in (0, 1].
    """

    def __init__(self, survival: float) -> None:
        super().__init__()
        if not 0 < survival <= 1:
            raise ValueError(
                'drop_path_survival is the probability that a residual branch is '
                f'kept, in (0, 1]; it is {survival}'
            )
        self.survival = survival

    def forward(self, branch: Tensor) -> Tensor:
        """Keep or drop by sample; shape (N, ...), floating point, stays."""
        if not self.training or self.survival == 1:
            return branch
        factors = branch.new_empty((branch.shape[0], *[1] * (branch.ndim - 1)))
        return branch * factors.bernoulli_(self.survival).div_(self.survival)

    def extra_repr(self) -> str:
        return f'survival={self.survival}'


class WideResidualUnit(nn.Module):
    """A residual unit with ReLU after the sum: ``ReLU(branch(x) + shortcut(x))``.

    Every convolution is followed by a normalization, all but the last of the
    branch by ReLU. The stride is that of the second convolution, the dilation
    that of the 3x3 convolutions. The shortcut subsamples the map where the
    widths agree, and is a 1x1 convolution otherwise.

    Args:
        in_channels: Channels of the input.
        widths: Two or three output widths, see :class:`Stage`.
        stride: 1 or 2.
        dilation: Of the 3x3 convolutions.
        survival: See :class:`DropPath`.
        norm_cfg: Of every normalization.
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
        self.drop_path = DropPath(survival)
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

    ``conv1`` (3x3, stride 2), the stages, and a 3x3 max pool of stride 2
    behind the first of them. Strides of 2 stand in the *last* unit of a stage
    and are taken out behind ``output_stride``: with 16, the last strided unit
    is not, and what follows it is dilated by 2.

    :class:`WideResNet38` and :class:`WideResNet41` are the networks to use.

    Args:
        stages: The table, from ``b2`` on.
        output_stride: 16 or 32, between the image and the last map.
        multi_grid: Unit rates of the bottleneck units, which multiply their
            dilation; None: all 1.
        drop_path_survival: Probability that a residual branch is kept, the
            same for every unit. The paper trains with 0.8.
        with_checkpoint: Keep what lies between units only, and compute their
            insides again in the backward pass; see :func:`run_recomputed`.
        out_indices: Which maps are returned: 0, at stride 4, the output of
            the unit before the strided one of ``b3``; 1, at stride 8, the same
            of ``b4``; 2, the last one.
        stem: How the map gets from stride 2 to stride 4: ``'max_pool'``
            behind ``b2``, or ``'strided_unit'``, the last one of ``b2``. Only
            the former meets the multiply-adds that the paper states.
        width_multiplier: For slim versions; widths are rounded to multiples
            of 8.
        norm_cfg: Of every normalization.
        init_cfg: See :class:`mmengine.model.BaseModule`; None: convolutions
            by Kaiming, normalizations as identity.

    Attributes:
        feature_channels: Channels of each returned map.

    Raises:
        ValueError: A setting is out of its range, or ``multi_grid`` is not as
            long as there are bottleneck units.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        output_stride: int = 32,
        multi_grid: Sequence[int] | None = None,
        drop_path_survival: float = 1.0,
        with_checkpoint: bool = False,
        out_indices: Sequence[int] = (0, 1, 2),
        stem: str = 'max_pool',
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
        if stem not in ('max_pool', 'strided_unit'):
            raise ValueError(f"stem is 'max_pool' or 'strided_unit', not {stem!r}")
        self.with_checkpoint = with_checkpoint
        self.out_indices = checked_out_indices(out_indices)
        dilations = iter(
            dilations_of_last_units(
                output_stride,
                multi_grid,
                units=sum(stage.units for stage in stages if len(stage.widths) == 3),
            )
        )

        channels = scaled_width(64, width_multiplier)
        self.conv1 = ConvModule(3, channels, 3, stride=2, padding=1, norm_cfg=norm_cfg)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1) if stem == 'max_pool' else None
        self.stage_names = tuple(stage.name for stage in stages)
        reached = 4 if stem == 'max_pool' else 2
        for stage in stages:
            widths = [scaled_width(w, width_multiplier) for w in stage.widths]
            strided = stage.strided or (stage.name == 'b2' and stem == 'strided_unit')
            stride = 2 if strided and reached < output_stride else 1
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

        last_widths = {stage.name: stage.widths[-1] for stage in stages}
        levels = (
            scaled_width(last_widths['b3'], width_multiplier),
            scaled_width(last_widths['b4'], width_multiplier),
            channels,
        )
        self.feature_channels = tuple(levels[index] for index in self.out_indices)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Feature maps of an image.

        Args:
            image: Shape (N, 3, H, W), normalized.

        Returns:
            The maps of ``out_indices``. At stride s a side of S pixels has
            ceil(S / s), so that sides of k * s + 1 keep corners on corners.
        """
        x = self._run(self.conv1, image)
        maps = []
        for name in self.stage_names:
            units = getattr(self, name)
            for index, unit in enumerate(units):
                x = self._run(unit, x)
                if name in ('b3', 'b4') and index == len(units) - 2:
                    maps.append(x)
            if name == 'b2' and self.pool is not None:
                x = self.pool(x)
        maps.append(x)
        return tuple(maps[index] for index in self.out_indices)

    def _run(self, module: nn.Module, x: Tensor) -> Tensor:
        return run_recomputed(module, x) if self.with_checkpoint else module(x)


@MODELS.register_module()
class WideResNet38(WideResNet):
    """WR-38: 109.18 M parameters and 45.99 B multiply-adds at 224 x 224.

    The network of Wu et al., "Wider or Deeper", 2016, in the version of Chen
    et al., "Naive-Student", ECCV 2020, Table 11. The counts, with a classifier
    of 1000 classes, are those of that table (109 M, 46 B).

    Args:
        b5_width: Of the first convolution of the units of ``b5``.
        **settings: See :class:`WideResNet`; ``multi_grid`` takes two rates,
            and the paper's are (1, 2).
    """

    def __init__(self, b5_width: int = 512, **settings) -> None:
        stages = (
            *_common_stages(b5_width),
            Stage('b6', 1, (512, 1024, 2048)),
            Stage('b7', 1, (1024, 2048, 4096)),
        )
        super().__init__(stages, **settings)


@MODELS.register_module()
class WideResNet41(WideResNet):
    """WR-41: 111.06 M parameters and 49.30 B multiply-adds at 224 x 224.

    WR-38 without its last unit and with the one before it three times: Chen
    et al., "Naive-Student", ECCV 2020, section 4.3. The counts, with a
    classifier of 1000 classes, are those of the paper's Table 11 (111 M,
    49.3 B). They are met with a ``b5_width`` of 1024 only; the 512 printed in
    that table makes 85 M of it.

    Args:
        b5_width: Of the first convolution of the units of ``b5``.
        **settings: See :class:`WideResNet`; ``multi_grid`` takes three rates,
            and the paper's are (1, 2, 4).
    """

    def __init__(self, b5_width: int = 1024, **settings) -> None:
        stages = (*_common_stages(b5_width), Stage('b6', 3, (512, 1024, 2048)))
        super().__init__(stages, **settings)


def _common_stages(b5_width: int) -> tuple[Stage, ...]:
    return (
        Stage('b2', 3, (128, 128)),
        Stage('b3', 3, (256, 256), strided=True),
        Stage('b4', 6, (512, 512), strided=True),
        Stage('b5', 3, (b5_width, 1024), strided=True),
    )
