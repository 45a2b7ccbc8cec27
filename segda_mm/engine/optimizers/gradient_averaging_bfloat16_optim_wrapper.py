"""Optimizer steps in bfloat16 on averaged gradients."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.runner import autocast
from torch import nn

from segda_mm.engine.optimizers.gradient_averaging_optim_wrapper import (
    GradientAveragingOptimWrapper,
)
from segda_mm.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class GradientAveragingBFloat16OptimWrapper(GradientAveragingOptimWrapper):
    """:class:`GradientAveragingOptimWrapper` with bfloat16 forward passes.

    bfloat16 has the exponents of float32, so that no loss scaler is needed. It
    is the only mixed precision of PyTorch on a CPU. Parameters and gradients
    stay float32.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Run the forward passes within bfloat16 autocast.

        Args:
            model: The network whose forward pass follows.
        """
        with super().optim_context(model), autocast(dtype=torch.bfloat16):
            yield
