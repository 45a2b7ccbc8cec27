"""How far features have gone from those of ImageNet where things are seen.

Hoyer, Dai and Van Gool, "DAFormer", CVPR 2022, "Thing-Class ImageNet Feature Distance".
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d


def thing_cells(
    labels: Tensor, classes: Sequence[int], size: tuple[int, ...], min_share: float
) -> Tensor:
    """Which cells one of the classes covers far enough, (N, h, w), bool.

    Args:
        labels: Train ids or 255, (N, H, W).
        classes: Train ids of the things.
        size: (h, w), the grid of cells over an image.
        min_share: Share of a cell's pixels, void ones included, in (0, 1].
    """
    things = torch.stack([labels == thing for thing in classes], dim=1)
    shares = adaptive_avg_pool2d(things.float(), (size[0], size[1]))
    # Sums of float32 end a little below a share that pixels reach exactly.
    return (shares >= min_share - 1e-6).any(dim=1)


def summed_distance(features: Tensor, expected: Tensor, cells: Tensor) -> Tensor:
    """Sum of the Euclidean distances of features (N, C, h, w) in cells (N, h, w)."""
    return ((features - expected).norm(dim=1) * cells).sum()
