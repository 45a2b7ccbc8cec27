"""A step that is tried before a training, and taken back."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from segda_mm.engine.resume import by_name


@contextmanager
def taken_back(
    model: nn.Module, optim_wrapper: OptimWrapper | OptimWrapperDict
) -> Iterator[None]:
    """Try training steps of a model: afterwards all is as it was before.

    Restored are weights, buffers, gradients, modes and plain attributes of the model,
    optimizers and their wrappers, and all generators of random numbers. What hooks
    have put in front of an optimizer is left out meanwhile.
    """
    restore = [
        _random_state(),
        _state_of_modules(model),
        *map(_state_of_wrapper, by_name(optim_wrapper).values()),
    ]
    try:
        yield
    finally:
        for undo in restore:
            undo()


def _random_state() -> Any:
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None

    def undo() -> None:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(cpu)
        if gpus is not None:
            torch.cuda.set_rng_state_all(gpus)

    return undo


def _state_of_modules(model: nn.Module) -> Any:
    dictionaries = [
        part
        for module in model.modules()
        for part in (vars(module), module._parameters, module._buffers)
    ]
    contents = [dict(part) for part in dictionaries]
    tensors = [*model.parameters(), *model.buffers()]
    values = [(tensor.detach().clone(), tensor.grad) for tensor in tensors]

    @torch.no_grad()
    def undo() -> None:
        for part, content in zip(dictionaries, contents):
            part.clear()
            part.update(content)
        for tensor, (value, gradient) in zip(tensors, values):
            tensor.copy_(value)
            tensor.grad = gradient

    return undo


def _state_of_wrapper(wrapper: OptimWrapper) -> Any:
    optimizer = wrapper.optimizer
    dictionaries = [vars(wrapper), vars(optimizer), *optimizer.param_groups]
    contents = [dict(part) for part in dictionaries]
    state = {
        parameter: {name: _copied(value) for name, value in values.items()}
        for parameter, values in optimizer.state.items()
    }
    scaler = getattr(wrapper, 'loss_scaler', None)
    scaling = None if scaler is None else copy.deepcopy(vars(scaler))
    # By these, hooks judge losses and count steps.
    for name in ('backward', 'step'):
        vars(wrapper).pop(name, None)

    def undo() -> None:
        for part, content in zip(dictionaries, contents):
            part.clear()
            part.update(content)
        optimizer.state.clear()
        optimizer.state.update(state)
        if scaling is not None:
            vars(scaler).update(scaling)

    return undo


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else copy.copy(value)
