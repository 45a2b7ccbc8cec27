"""Memory for time: activations that are computed again in the backward pass."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils.checkpoint import checkpoint


def run_recomputed(unit: nn.Module, *inputs: Any) -> Any:
    """Run a unit and keep its inputs and outputs only.

    What lies between is computed again in the backward pass, with the random
    numbers and the autocast state of the first time. Outputs, gradients and
    the running statistics of batch normalization are those of an ordinary
    call: the second pass does not move the latter again. Without gradients it
    is an ordinary call.

    Args:
        unit: The module to run.
        *inputs: Its arguments.

    Returns:
        What ``unit(*inputs)`` returns.
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
