"""Average gradients over processes, outside of any model wrapper."""

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor
from torch.optim import Optimizer


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
