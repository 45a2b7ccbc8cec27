"""Optimizer steps on gradients that are averaged over processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.dist import all_reduce, all_reduce_params, get_world_size
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.runner import autocast
from torch import Tensor, nn
from torch.optim import Optimizer

from segda_mm.registry import OPTIM_WRAPPERS


class _AveragingStep:
    """What the wrappers below do before and after MMEngine's own."""

    _averaged_by_ddp = False

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Run forward passes of a network; see MMEngine's wrapper."""
        # MMEngine, too, knows a network under DDP by this method.
        self._averaged_by_ddp = hasattr(model, 'no_sync')
        with super().optim_context(model):
            yield

    def step(self, **kwargs: Any) -> None:
        """Average, unscale and clip if asked to, and update the parameters."""
        if not self._averaged_by_ddp:
            average_gradients(self.optimizer)
        super().step(**kwargs)

    def load_state_dict(self, state_dict: dict) -> None:
        """Load a checkpoint's state, laid out in memory as the parameters.

        PyTorch's fused optimizers do not look at strides: channels first, resumed with
        channels last, would update every weight by the momentum of another one.
        """
        super().load_state_dict(state_dict)
        for parameter, state in self.optimizer.state.items():
            for name, value in state.items():
                if isinstance(value, Tensor) and value.shape == parameter.shape:
                    aligned = torch.empty_like(parameter, dtype=value.dtype)
                    state[name] = aligned.copy_(value)


@OPTIM_WRAPPERS.register_module()
class GradientAveragingOptimWrapper(_AveragingStep, OptimWrapper):
    """An optimizer whose step first averages the gradients of all processes.

    Unless DDP has averaged them during the backward pass, see
    :class:`segda_mm.engine.PassThroughDistributed`.
    """


@OPTIM_WRAPPERS.register_module()
class GradientAveragingAmpOptimWrapper(_AveragingStep, AmpOptimWrapper):
    """:class:`GradientAveragingOptimWrapper` with a loss scaler, on GPUs.

    The scaled gradients are averaged: an overflow in one process reaches all, so
    that all skip the same step.
    """


@OPTIM_WRAPPERS.register_module()
class GradientAveragingBFloat16OptimWrapper(GradientAveragingOptimWrapper):
    """:class:`GradientAveragingOptimWrapper` with bfloat16 forward passes.

    It needs no loss scaler, and is the only mixed precision of PyTorch on a CPU.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Run forward passes of a network within bfloat16 autocast."""
        with super().optim_context(model), autocast(dtype=torch.bfloat16):
            yield


def average_gradients(optimizer: Optimizer) -> None:
    """Replace every gradient by its mean over all processes.

    A parameter that has a gradient in some processes only counts as zero in the
    others; one that has none anywhere keeps none.
    """
    parameters = [p for group in optimizer.param_groups for p in group['params']]
    trainable = [parameter for parameter in parameters if parameter.requires_grad]
    if get_world_size() == 1 or not trainable:
        return
    # Processes may disagree, for instance where a loss was left out of one
    # step; reducing different sets of tensors would hang or mix them up.
    present = torch.tensor([p.grad is not None for p in trainable]).int()
    all_reduce(present, op='max')
    trainable = [p for p, used in zip(trainable, present.tolist()) if used]
    for parameter in trainable:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    # One message for all: latency, not volume, is what costs here.
    all_reduce_params([parameter.grad for parameter in trainable], op='mean')
