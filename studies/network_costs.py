"""Parameters and multiply-adds, counted as the papers of DeepLab count them."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class MultiplyAdds:
    """Multiply-additions of one pass through a network.

    ``native`` is what PyTorch computes. ``padded`` has every convolution of dilation
    r on sides rounded up to multiples of r, as TensorFlow runs it and papers count.
    """

    native: int
    padded: int


def count_parameters(model: nn.Module) -> dict[str, int]:
    """Parameters of each child of a module, and ``total``."""
    counts = {
        name: sum(parameter.numel() for parameter in child.parameters())
        for name, child in model.named_children()
    }
    counts['total'] = sum(parameter.numel() for parameter in model.parameters())
    return counts


def count_multiply_adds(model: nn.Module, *inputs: Tensor) -> MultiplyAdds:
    """Count the convolutions and linear layers of one pass, also on the meta device.

    Raises:
        ValueError: A convolution has both a stride and a dilation, for which
            the padded figure is not defined.
    """
    counted: list[MultiplyAdds] = []

    def count(layer: nn.Module, _inputs: tuple, output: Tensor) -> None:
        counted.append(_layer_multiply_adds(layer, output.shape))

    hooks = [
        layer.register_forward_hook(count)
        for layer in model.modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            model(*inputs)
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return MultiplyAdds(
        native=sum(layer.native for layer in counted),
        padded=sum(layer.padded for layer in counted),
    )


def _layer_multiply_adds(layer: nn.Module, output: torch.Size) -> MultiplyAdds:
    if isinstance(layer, nn.Linear):
        both = prod(output) * layer.in_features
        return MultiplyAdds(both, both)
    if max(layer.dilation) > 1 and max(layer.stride) > 1:
        raise ValueError(f'the padded multiply-adds of {layer} are not defined')
    images, channels, *sides = output
    for_each_position = (
        images * channels * layer.in_channels // layer.groups * prod(layer.kernel_size)
    )
    padded_sides = [
        ceil(side / rate) * rate for side, rate in zip(sides, layer.dilation)
    ]
    return MultiplyAdds(
        for_each_position * prod(sides), for_each_position * prod(padded_sides)
    )
