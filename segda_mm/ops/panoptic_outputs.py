"""The three maps of Panoptic-DeepLab, and what resizing and mirroring do to them.

Cheng et al., "Panoptic-DeepLab", CVPR 2020, section 3.
"""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor


class PanopticOutputs(NamedTuple):
    """What the head says of N images, on one grid of h x w pixels.

    ``seg_logits`` (N, C, h, w); ``center_heatmap`` (N, 1, h, w); ``offset``
    (N, 2, h, w), (y, x) from a pixel to its center in pixels of this grid.
    """

    seg_logits: Tensor
    center_heatmap: Tensor
    offset: Tensor


def resize_panoptic_outputs(
    outputs: PanopticOutputs, size: tuple[int, int]
) -> PanopticOutputs:
    """Bring the maps to (H, W), bilinearly with aligned corners, as float32.

    Offsets are multiplied by (H - 1) / (h - 1) and (W - 1) / (w - 1).
    """
    # Half precision tells offsets of a thousand pixels apart in whole pixels.
    seg_logits, center_heatmap, offset = (output.float() for output in outputs)
    source = offset.shape[-2:]
    if source == tuple(size):
        return PanopticOutputs(seg_logits, center_heatmap, offset)
    ratios = [(to - 1) / max(of - 1, 1) for to, of in zip(size, source)]
    return PanopticOutputs(
        _resize(seg_logits, size),
        _resize(center_heatmap, size),
        _resize(offset * offset.new_tensor(ratios).view(1, 2, 1, 1), size),
    )


def mirror_panoptic_outputs(
    outputs: PanopticOutputs, direction: str = 'horizontal'
) -> PanopticOutputs:
    """Undo a flip of the image: mirror the maps and turn their offsets round.

    Args:
        outputs: Maps of the flipped image.
        direction: ``'horizontal'``, ``'vertical'`` or ``'diagonal'`` (both).
    """
    axes = {'horizontal': (-1,), 'vertical': (-2,), 'diagonal': (-2, -1)}
    if direction not in axes:
        raise ValueError(
            f'flip_direction is {direction!r}, but outputs are mirrored back '
            f'only from one of {sorted(axes)}; change RandomFlip in the test '
            'pipeline'
        )
    seg_logits, center_heatmap, offset = (
        output.flip(axes[direction]) for output in outputs
    )
    signs = [-1.0 if axis in axes[direction] else 1.0 for axis in (-2, -1)]
    return PanopticOutputs(
        seg_logits, center_heatmap, offset * offset.new_tensor(signs).view(1, 2, 1, 1)
    )


def _resize(maps: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size=size, mode='bilinear', align_corners=True)
