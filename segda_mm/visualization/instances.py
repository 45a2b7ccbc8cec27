"""Where the instances of a panoptic map lie."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from segda_mm.ops.panoptic_codes import LABEL_DIVISOR, VOID_CODE


class Instances(NamedTuple):
    """The instances of one panoptic map, sorted by their codes.

    ``codes`` (K,) int64; ``areas`` (K,) int64 in pixels; ``centers`` (K, 2)
    float64, the mean (y, x) of the pixels of each.
    """

    codes: np.ndarray
    areas: np.ndarray
    centers: np.ndarray


def is_instance(codes: np.ndarray) -> np.ndarray:
    """Tell pixels of instances from stuff, groups of things and void.

    Args:
        codes: panoptic codes (see :mod:`segda_mm.ops.panoptic_codes`) of any
            shape, integers.

    Returns:
        bool of the same shape.
    """
    return (codes % LABEL_DIVISOR > 0) & (codes < VOID_CODE)


def locate_instances(codes: np.ndarray, shift: np.ndarray | None = None) -> Instances:
    """Find area and center of every instance.

    Args:
        codes: (H, W) panoptic codes.
        shift: (2, H, W) what to add to the (y, x) of each pixel before the
            mean is taken. With the predicted offsets, the center is where the
            pixels of an instance point to on average, inside its mask or not.
    """
    mask = is_instance(codes)
    pixel_codes = codes[mask].astype(np.int64)
    points = np.stack(np.nonzero(mask)).astype(np.float64)
    if shift is not None:
        points += shift[:, mask]
    areas = np.bincount(pixel_codes)
    present = np.flatnonzero(areas)
    sums = [np.bincount(pixel_codes, axis)[present] for axis in points]
    centers = np.stack(sums, axis=1) / areas[present, None]
    return Instances(present, areas[present], centers)
