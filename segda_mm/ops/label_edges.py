"""Edges between the classes of a label map, for heads that learn them."""

import torch
import torch.nn.functional as F
from torch import Tensor


def label_edges(labels: Tensor, width: int, ignore_index: int = 255) -> Tensor:
    """Mark the pixels near a border between two classes; void has no borders.

    Args:
        labels: Shape (N, 1, H, W), integers.
        width: Of the band of 1s in pixels, even: half lies on either side.
        ignore_index: The label of void.

    Raises:
        ValueError: ``width`` is odd or less than 2.
    """
    if width < 2 or width % 2:
        raise ValueError(f'edge_width is {width}, but must be even and at least 2')
    edges = torch.zeros_like(labels, dtype=torch.bool)
    for axis in (-2, -1):
        length = labels.shape[axis] - 1
        first, second = labels.narrow(axis, 0, length), labels.narrow(axis, 1, length)
        is_border = (first != second) & (first != ignore_index)
        is_border &= second != ignore_index
        for start in (0, 1):
            edges.narrow(axis, start, length).logical_or_(is_border)
    radius = width // 2 - 1
    band = F.max_pool2d(edges.float(), 2 * radius + 1, 1, radius)
    return band.long()
