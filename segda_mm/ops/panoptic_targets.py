"""What Panoptic-DeepLab learns from: centers, offsets and weights of instances.

Cheng et al., "Panoptic-DeepLab", CVPR 2020, sections 3.2 and 3.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from segda_mm.ops.panoptic_codes import (
    LABEL_DIVISOR,
    VOID_CLASS,
    VOID_CODE,
    check_thing_classes,
)


def panoptic_targets(
    codes: np.ndarray,
    thing_classes: Sequence[int],
    sigma: float = 8.0,
    small_instance_area: int = 4096,
    small_instance_weight: float = 3.0,
) -> dict[str, np.ndarray]:
    """Turn a panoptic map into the regression targets and weights of a sample.

    The center of an instance is the mean of its visible pixels; offsets lead to
    it, and the heatmap has a Gaussian around the pixel nearest to it.

    Args:
        codes: Panoptic codes of the augmented crop, int32 (H, W).
        thing_classes: Train ids of the classes that have instances.
        sigma: Of the Gaussian in pixels, which is cut at 3 * sigma + 1.
        small_instance_area: Instances with fewer visible pixels are small.
        small_instance_weight: Of their pixels in the semantic loss.

    Returns:
        All float32: ``gt_center_heatmap`` (H, W) in [0, 1];
        ``gt_center_weight`` (H, W), 0 on void and groups, else 1;
        ``gt_offset`` (2, H, W), (y, x) in pixels, 0 off instances;
        ``gt_offset_weight`` (H, W), 1 on instances, else 0;
        ``gt_sem_seg_weight`` (H, W), ``small_instance_weight`` or 1.

    Raises:
        ValueError: ``codes`` or a thing class are out of range, or ``sigma`` is
            not positive.
    """
    _check(codes, thing_classes, sigma)
    height, width = codes.shape
    has_instance, center_weight = _tables(tuple(thing_classes))

    flat_codes = codes.ravel()
    pixels = np.flatnonzero(has_instance[flat_codes])
    pixel_codes = flat_codes[pixels].astype(np.intp)
    rows, columns = np.divmod(pixels, width)

    areas = np.bincount(pixel_codes)
    # Codes that do not occur are 0 / 1 and never looked up.
    divisor = np.maximum(areas, 1)
    center_rows = np.bincount(pixel_codes, rows) / divisor
    center_columns = np.bincount(pixel_codes, columns) / divisor

    offset = np.zeros((2, height * width), np.float32)
    offset[0, pixels] = center_rows[pixel_codes] - rows
    offset[1, pixels] = center_columns[pixel_codes] - columns

    offset_weight = np.zeros(height * width, np.float32)
    offset_weight[pixels] = 1

    sem_seg_weight = np.ones(height * width, np.float32)
    is_small = areas[pixel_codes] < small_instance_area
    sem_seg_weight[pixels[is_small]] = small_instance_weight

    heatmap = np.zeros((height, width), np.float32)
    for code in np.flatnonzero(areas):
        _draw_center(heatmap, center_rows[code], center_columns[code], sigma)

    return dict(
        gt_center_heatmap=heatmap,
        gt_center_weight=center_weight[codes],
        gt_offset=offset.reshape(2, height, width),
        gt_offset_weight=offset_weight.reshape(height, width),
        gt_sem_seg_weight=sem_seg_weight.reshape(height, width),
    )


def _check(codes: np.ndarray, thing_classes: Sequence[int], sigma: float) -> None:
    highest = VOID_CODE + LABEL_DIVISOR - 1
    if codes.min() < 0 or codes.max() > highest:
        raise ValueError(
            f'panoptic codes lie in [{codes.min()}, {codes.max()}], but must lie '
            f'in [0, {highest}]; a label file needs its label table first'
        )
    check_thing_classes(thing_classes)
    if not sigma > 0:
        raise ValueError(f'sigma is {sigma}, but must be positive')


@lru_cache(maxsize=4)
def _tables(thing_classes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    has_instance = np.zeros((VOID_CLASS + 1, LABEL_DIVISOR), bool)
    has_instance[list(thing_classes), 1:] = True
    center_weight = np.ones((VOID_CLASS + 1, LABEL_DIVISOR), np.float32)
    center_weight[VOID_CLASS] = 0
    center_weight[list(thing_classes), 0] = 0
    return has_instance.ravel(), center_weight.ravel()


@lru_cache(maxsize=4)
def _gaussian(sigma: float) -> np.ndarray:
    """Shape (2 * radius + 1, 2 * radius + 1), float32, 1 in the middle."""
    radius = int(3 * sigma + 1)
    distance = np.arange(-radius, radius + 1)
    squared = distance[:, None] ** 2 + distance**2
    return np.exp(-squared / (2 * sigma**2)).astype(np.float32)


def _draw_center(heatmap: np.ndarray, row: float, column: float, sigma: float) -> None:
    """Raise the heatmap to a Gaussian around a point, cut at the border."""
    window = _gaussian(sigma)
    radius = len(window) // 2
    # Halves go up, as round() would send them to the even neighbour.
    top = math.floor(row + 0.5) - radius
    left = math.floor(column + 0.5) - radius
    height, width = heatmap.shape
    inside = heatmap[
        max(top, 0) : min(top + len(window), height),
        max(left, 0) : min(left + len(window), width),
    ]
    part = window[max(-top, 0) :, max(-left, 0) :]
    np.maximum(inside, part[: inside.shape[0], : inside.shape[1]], out=inside)
