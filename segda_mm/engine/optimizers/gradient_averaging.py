"""Optimizer steps on gradients that are averaged over processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
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
        """Run forward passes; see :class:`mmengine.optim.OptimWrapper`.

        Args:
            model: The network whose forward pass follows.
        """
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
        """Load a checkpoint's state into the parameters' memory layout.

        Args:
            state_dict: What :meth:`state_dict` returned.
        """
        super().load_state_dict(state_dict)
        align_state_with_parameters(self.optimizer)


@OPTIM_WRAPPERS.register_module()
class GradientAveragingOptimWrapper(_AveragingStep, OptimWrapper):
    """An optimizer whose step first averages the gradients of all processes.

    Unless DDP has averaged them during the backward pass, see
    :class:`segda_mm.engine.PassThroughDistributed`. In a single process it is a
    plain :class:`mmengine.optim.OptimWrapper`, whose arguments it takes.
    """


@OPTIM_WRAPPERS.register_module()
class GradientAveragingAmpOptimWrapper(_AveragingStep, AmpOptimWrapper):
    """:class:`GradientAveragingOptimWrapper` with a loss scaler, on GPUs.

    The scaled gradients are averaged: an overflow in one process reaches all,
    so that all skip the same step and their scales stay equal. Takes the
    arguments of :class:`mmengine.optim.AmpOptimWrapper`. On a CPU use
    :class:`GradientAveragingBFloat16OptimWrapper`.
    """


@OPTIM_WRAPPERS.register_module()
class GradientAveragingBFloat16OptimWrapper(GradientAveragingOptimWrapper):
    """:class:`GradientAveragingOptimWrapper` with bfloat16 forward passes.

    bfloat16 has the exponents of float32, so that no loss scaler is needed. It
    is the only mixed precision of PyTorch on a CPU. Parameters and gradients
    stay float32.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Run forward passes within bfloat16 autocast.

        Args:
            model: The network whose forward pass follows.
        """
        with super().optim_context(model), autocast(dtype=torch.bfloat16):
            yield


def average_gradients(optimizer: Optimizer) -> None:
    """Replace every gradient by its mean over all processes.

    Does nothing in a single process. A parameter that has a gradient in some
    processes only counts as zero in the others; one that has none anywhere
    keeps none.

    Args:
        optimizer: Holds the parameters, in the same order in every process.
    """
    if get_world_size() == 1:
        return
    trainable = [
        parameter
        for group in optimizer.param_groups
        for parameter in group['params']
        if parameter.requires_grad
    ]
    if not trainable:
        return
    # Processes may disagree, for instance where a loss was left out of one
    # step; reducing different sets of tensors would hang or mix them up.
    present = torch.tensor([p.grad is not None for p in trainable]).int()
    all_reduce(present, op='max')
    trainable = [p for p, used in zip(trainable, present.tolist()) if used]
    for parameter in trainable:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)

    kinds: dict[tuple, list[Tensor]] = {}
    for parameter in trainable:
        gradient = parameter.grad
        kinds.setdefault((gradient.dtype, gradient.device), []).append(gradient)
    for gradients in kinds.values():
        # One message for all: latency, not volume, is what costs here.
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        all_reduce(flat, op='mean')
        parts = flat.split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts):
            gradient.copy_(part.view_as(gradient))


def align_state_with_parameters(optimizer: Optimizer) -> None:
    """Lay out momenta in memory as the parameters that they belong to.

    PyTorch's fused optimizers walk through parameter, gradient and momentum
    side by side without looking at their strides. A checkpoint of a model with
    channels first, resumed with channels last, would update every weight by
    the momentum of another one, without an error.

    Args:
        optimizer: Has just been loaded; its state is replaced in place.
    """
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if (
                isinstance(value, Tensor)
                and value.shape == parameter.shape
                and value.stride() != parameter.stride()
            ):
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(
                    value
                )
