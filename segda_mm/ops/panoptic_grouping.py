"""Find the centers of instances, and the center that each pixel points to.

Cheng et al., "Panoptic-DeepLab", CVPR 2020, section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from segda_mm.ops.panoptic_codes import LABEL_DIVISOR

#: The grid that finds the few centers worth comparing: cells are at least this
#: many pixels wide, and at most ``CELLS_PER_AXIS`` lie along each axis.
CELL_SIZE = 16
CELLS_PER_AXIS = 64

#: Pixels grouped at once: a few rows, for which a small grid is enough, and
#: buffers that stay in the cache.
PIXELS_AT_ONCE = 2**17


@dataclass(frozen=True)
class Centers:
    """The centers of one image, the strongest first.

    ``points`` (K, 2) are (y, x) in pixels, int64; ``values`` (K,) those of the
    heatmap, float32.
    """

    points: Tensor
    values: Tensor


def find_centers(
    center_heatmap: Tensor,
    threshold: float = 0.1,
    kernel_size: int = 7,
    top_k: int = 200,
) -> list[Centers]:
    """Find the peaks of center heatmaps.

    A peak is a pixel above the threshold that no pixel of the window around it
    exceeds; of a plateau, every pixel is one.

    Args:
        center_heatmap: Shape (N, 1, H, W), floating point.
        threshold: Peaks are strictly above it.
        kernel_size: Side of the window in pixels, odd.
        top_k: The strongest peaks are kept, of equal ones the first row by row.

    Returns:
        One for each of the N images; K may be 0.

    Raises:
        ValueError: The heatmap holds NaN, ``kernel_size`` is not odd, or ``top_k``
            is not in [1, 999].
    """
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(
            f'nms_kernel_size is {kernel_size}, but must be odd and positive'
        )
    if not 1 <= top_k < LABEL_DIVISOR:
        raise ValueError(
            f'top_k is {top_k}, but must lie in [1, {LABEL_DIVISOR - 1}]: a panoptic '
            'code has no room for more instances'
        )
    return [
        _peaks(heatmap, threshold, kernel_size, top_k)
        for heatmap in center_heatmap.detach()[:, 0]
    ]


def group_pixels(points: Tensor, offset: Tensor, pixels: Tensor) -> Tensor:
    """Find the center nearest to where each pixel points: its place plus its offset.

    It has the smallest ``dy * dy + dx * dx`` in float32, every operation rounded for
    itself; of equally near ones it is the first.

    Args:
        points: Centers (y, x), shape (K, 2), integers, K at least 1.
        offset: (y, x) in pixels, shape (2, H, W), floating point.
        pixels: Indices in the flattened (H, W) map, shape (P,), int64.

    Returns:
        Index of a center for each pixel, shape (P,), int64.

    Raises:
        ValueError: An offset of one of the pixels is NaN or infinite.
    """
    if not len(pixels):
        return pixels.clone()
    points = points.float()
    return torch.cat(
        [
            _nearest(points, _targets(offset, some_pixels))
            for some_pixels in pixels.split(PIXELS_AT_ONCE)
        ]
    )


def _peaks(heatmap: Tensor, threshold: float, kernel_size: int, top_k: int) -> Centers:
    if heatmap.numel() and heatmap.amax().isnan():
        raise ValueError(
            'the center heatmap holds NaN: the network has diverged, or its '
            'checkpoint is broken'
        )
    # A pooling layer compares kernel_size ** 2 values a pixel; windows of
    # doubling size reach the same maximum in a handful of comparisons.
    radius = kernel_size // 2
    padded = F.pad(heatmap, (radius,) * 4, value=float('-inf'))
    highest = _running_maximum(_running_maximum(padded, kernel_size, 0), kernel_size, 1)
    pixels = (heatmap > threshold).flatten().nonzero()[:, 0]
    values = heatmap.flatten().index_select(0, pixels)
    is_peak = values == highest.flatten().index_select(0, pixels)
    pixels, values = pixels[is_peak], values[is_peak]
    # Unlike topk, a stable sort keeps equal values in their order.
    order = values.sort(descending=True, stable=True).indices[:top_k]
    pixels, width = pixels[order], heatmap.shape[1]
    points = torch.stack([pixels // width, pixels % width], 1)
    return Centers(points, values[order].float())


def _running_maximum(values: Tensor, size: int, axis: int) -> Tensor:
    covered = 1
    while covered < size:
        step = min(covered, size - covered)
        length = values.shape[axis] - step
        values = torch.maximum(
            values.narrow(axis, 0, length), values.narrow(axis, step, length)
        )
        covered += step
    return values


def _targets(offset: Tensor, pixels: Tensor) -> Tensor:
    """Where pixels point, (y, x), shape (2, P), float32."""
    targets = offset.flatten(1).index_select(1, pixels).float()
    width = offset.shape[2]
    rows = torch.div(pixels, width, rounding_mode='floor')
    targets[0] += rows
    targets[1] += pixels - rows * width
    return targets


def _nearest(points: Tensor, targets: Tensor) -> Tensor:
    """Index of the point nearest to each target, shape (P,), int64."""
    cells, candidates, starts, counts = _candidates(targets, points)
    nearest = candidates[starts].index_select(0, cells)
    # Most cells are near one center only, and these pixels are done.
    undecided = (counts > 1).index_select(0, cells).nonzero()[:, 0]
    cells = cells.index_select(0, undecided)
    targets = targets.index_select(1, undecided)
    best = nearest.index_select(0, undecided)
    best_distance = _squared_distance(targets, points.index_select(0, best))
    rank = 1
    while len(undecided):
        candidate = candidates.index_select(0, starts.index_select(0, cells) + rank)
        distance = _squared_distance(targets, points.index_select(0, candidate))
        # Strictly, as candidates come in the order of their indices.
        is_nearer = distance < best_distance
        best = torch.where(is_nearer, candidate, best)
        best_distance = torch.where(is_nearer, distance, best_distance)
        nearest[undecided] = best
        rank += 1
        rest = (counts > rank).index_select(0, cells).nonzero()[:, 0]
        undecided = undecided.index_select(0, rest)
        cells = cells.index_select(0, rest)
        targets = targets.index_select(1, rest)
        best = best.index_select(0, rest)
        best_distance = best_distance.index_select(0, rest)
    return nearest


def _candidates(
    targets: Tensor, points: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The centers that can be nearest to any place of a cell, for every cell."""
    lowest, highest = targets.aminmax(dim=1)
    extent = highest - lowest
    if not extent.isfinite().all():
        raise ValueError(
            'the offsets hold NaN or infinity: the network has diverged, or its '
            'checkpoint is broken'
        )
    size = (extent / (CELLS_PER_AXIS - 1)).clamp(min=CELL_SIZE)
    rows, columns = (extent / size).long() + 1
    cell_rows = ((targets[0] - lowest[0]) / size[0]).long()
    cell_columns = ((targets[1] - lowest[1]) / size[1]).long()
    cells = cell_rows * columns + cell_columns

    near, far = [], []
    for axis, length in enumerate((rows, columns)):
        index = torch.arange(length, device=targets.device)
        middle = lowest[axis] + (index + 0.5) * size[axis]
        distance = (points[:, axis] - middle[:, None]).abs()
        # Wider than half a cell by more than rounding moves a target.
        reach = 0.501 * size[axis]
        near.append((distance - reach).clamp(min=0) ** 2)
        far.append((distance + reach) ** 2)
    nearest_place = (near[0][:, None] + near[1]).flatten(0, 1)
    farthest_place = (far[0][:, None] + far[1]).flatten(0, 1)
    limit = farthest_place.amin(1, keepdim=True)
    # The margin again is there for rounding.
    can_be_nearest = nearest_place <= limit * 1.001
    counts = can_be_nearest.sum(1)
    candidates = can_be_nearest.nonzero()[:, 1]
    return cells, candidates, counts.cumsum(0) - counts, counts


def _squared_distance(targets: Tensor, points: Tensor) -> Tensor:
    """Between (2, P) and (P, 2), shape (P,)."""
    dy = targets[0] - points[:, 0]
    dx = targets[1] - points[:, 1]
    return dy.mul_(dy).add_(dx.mul_(dx))
