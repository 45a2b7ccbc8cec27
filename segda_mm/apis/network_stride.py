"""Images of any size, for networks that take multiples of their stride only."""

from __future__ import annotations

from math import lcm
from typing import Any

import torch
from mmengine.logging import print_log
from mmseg.models import SegDataPreProcessor
from torch import nn
from torch.func import functional_call

from segda_mm.methods.modes import evaluating

#: Strides that are tried, the least first.
_STRIDES = (1, 2, 4, 8, 16, 32, 64)

#: Sides around which they are tried: with weights, and if that is too small without.
_SIDE, _LARGE_SIDE = 128, 1024


def pad_to_stride(model: nn.Module) -> None:
    """Let a model pad its images to what its network takes, and crop what it predicts.

    Networks as DDRNet, PIDNet and UNet fail where a side is no multiple of their
    stride. The data preprocessor, which pads on the right and below in training and in
    tests alike, is set to multiples of it; sliding windows grow to them. Networks that
    take all sizes are left as they are.

    Args:
        model: A segmentor, a method, or either of them wrapped for views; in place.
    """
    while isinstance(getattr(model, 'module', None), nn.Module):
        model = model.module  # type: ignore[assignment]
    network: Any = getattr(model, 'deployed', model)
    preprocessor: Any = getattr(model, 'data_preprocessor', None)
    if not isinstance(preprocessor, SegDataPreProcessor):
        return
    stride = find_stride(network)
    if stride == 1:
        return
    training = dict(size=preprocessor.size, size_divisor=preprocessor.size_divisor)
    training = _on_grid(training, stride)
    testing = _on_grid(preprocessor.test_cfg or {}, stride)
    if not testing:
        testing = dict(size_divisor=training['size_divisor'] or stride)
    preprocessor.size, preprocessor.size_divisor = training.values()
    preprocessor.test_cfg = testing
    test_cfg = getattr(network, 'test_cfg', None) or {}
    if test_cfg.get('mode') == 'slide':
        test_cfg['crop_size'] = _rounded_up(test_cfg['crop_size'], stride)
    print_log(
        f'{type(network.backbone).__name__} takes images whose sides are multiples of '
        f'{stride}: others are padded, and predictions cropped back',
        logger='current',
    )


@torch.no_grad()
def find_stride(network: nn.Module) -> int:
    """The least power of two whose multiples, as sides of an image, a network takes.

    Passes over small images tell, in evaluation mode and without a trace. Where a
    network takes none of the sizes that are tried, 1.
    """
    device = next(network.parameters()).device
    devices = [device] if device.type == 'cuda' else []
    with evaluating(network.modules()), torch.random.fork_rng(devices):
        for stride in _STRIDES:
            # Rounding up and rounding down go wrong on different sides.
            if _takes(network, (_SIDE + stride, _SIDE - stride)):
                return stride
        for stride in _STRIDES:
            size = (_LARGE_SIDE + stride, _LARGE_SIDE - stride)
            if _takes(network, size, without_content=True):
                return stride
    return 1


def _takes(
    network: nn.Module, size: tuple[int, int], without_content: bool = False
) -> bool:
    state = [*network.named_parameters(), *network.named_buffers()]
    device = torch.device('meta') if without_content else state[0][1].device
    layers = (part for part in network.modules() if isinstance(part, nn.Conv2d))
    channels = next((layer.in_channels for layer in layers), 3)
    image = torch.zeros(1, channels, *size, device=device)
    if without_content:
        weights = {name: torch.empty_like(w, device=device) for name, w in state}
    try:
        if without_content:
            functional_call(network, weights, (image,), dict(mode='tensor'))
        else:
            network(image, mode='tensor')
    # Whatever a network raises, it does not take this size.
    except Exception:
        return False
    return True


def _on_grid(padding: dict, stride: int) -> dict:
    """``size`` or ``size_divisor`` of a preprocessor, as multiples of a stride."""
    result = dict(padding)
    if padding.get('size') is not None:
        result['size'] = _rounded_up(padding['size'], stride)
    if padding.get('size_divisor') is not None:
        result['size_divisor'] = lcm(padding['size_divisor'], stride)
    return result


def _rounded_up(size: tuple[int, int], stride: int) -> tuple[int, int]:
    height, width = (-(-side // stride) * stride for side in size)
    return height, width
