"""What the backbones have in common: settings, and memory for time."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils.checkpoint import checkpoint


def scaled_width(channels: int, multiplier: float) -> int:
    """Scale a width, to a multiple of 8 and at least 8."""
    return max(8, round(channels * multiplier / 8) * 8)


def dilations_of_last_units(
    output_stride: int, multi_grid: Sequence[int] | None, units: int
) -> tuple[int, ...]:
    """Rates of the units behind the place of the last stride.

    Args:
        output_stride: 32, or 16 for a last stride turned into a dilation of 2.
        multi_grid: Unit rates, multiplied with that dilation (Chen et al.,
            "Rethinking Atrous Convolution", 2017); None: all 1.
        units: How many rates are wanted.
    """
    if output_stride not in (16, 32):
        raise ValueError(f'output_stride is 16 or 32, not {output_stride}')
    if multi_grid is None:
        multi_grid = (1,) * units
    if len(multi_grid) != units or min(multi_grid) < 1:
        raise ValueError(
            f'multi_grid takes {units} unit rates of at least 1 for this backbone, '
            f'not {tuple(multi_grid)}'
        )
    return tuple(32 // output_stride * rate for rate in multi_grid)


def run_recomputed(unit: nn.Module, *inputs: Any) -> Any:
    """Run a unit, keep its inputs and outputs only, and recompute in the backward pass.

    Outputs, gradients and running statistics are those of an ordinary call.
    """
    if not torch.is_grad_enabled():
        return unit(*inputs)
    return checkpoint(
        unit,
        *inputs,
        use_reentrant=False,
        context_fn=lambda: (contextlib.nullcontext(), _RunningStatisticsKept(unit)),
    )


class _RunningStatisticsKept:
    """Lets norms track in copies; entered once for each backward pass."""

    def __init__(self, unit: nn.Module) -> None:
        self.unit = unit

    def __enter__(self) -> None:
        # Not without tracking: autograd compares the tensors of both passes,
        # and the running statistics are among them.
        self.kept = [
            (module, dict(module._buffers))
            for module in self.unit.modules()
            if isinstance(module, _NormBase) and module.track_running_stats
        ]
        for module, buffers in self.kept:
            module._buffers.update({name: b.clone() for name, b in buffers.items()})

    def __exit__(self, *exception: object) -> None:
        for module, buffers in self.kept:
            module._buffers.update(buffers)
