"""Panoptic maps to colours: the class gives the hue, the instance a shade."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segda_mm.ops.panoptic_codes import LABEL_DIVISOR, VOID_CODE

from .colorize import colorize
from .instances import Instances, is_instance, locate_instances

#: Shades of a class, on a circle around its colour.
NUM_SHADES = 12

#: How far a shade moves each of red, green and blue.
SHADE_STRENGTH = 36

#: Times that the shades run through from the left border to the right one.
SHADE_TURNS = 3

#: Steps on the circle from which on two shades are told apart at a glance.
CLEAR_STEPS = 2


def colorize_panoptic(
    codes: np.ndarray, palette: Sequence[Sequence[int]]
) -> np.ndarray:
    """Paint a panoptic map: every class in its colour, its instances in shades of it.

    The shade follows from the place of the instance's center in the picture
    and not from its number. So the truth and a prediction, or two neighbouring
    frames, paint the same car alike. Among instances of one class that are
    close to each other, the larger one has its way and the smaller one takes
    the nearest shade that differs from it clearly. Equal maps have equal
    colours; no random number is drawn.

    Args:
        codes: (H, W) panoptic codes (see :mod:`segda_mm.ops.panoptic_codes`).
        palette: (num_classes, 3) RGB values in [0, 255].

    Returns:
        (H, W, 3) uint8 RGB image. Stuff and groups of things have the colour
        of their class; void, and every class beyond the palette, is black.
    """
    codes = np.where(codes // LABEL_DIVISOR < len(palette), codes, VOID_CODE)
    picture = colorize(codes // LABEL_DIVISOR, palette)
    instances = locate_instances(codes)
    table = np.zeros((VOID_CODE, 3), np.uint8)
    table[instances.codes] = _instance_colors(instances, palette, codes.shape[1])
    mask = is_instance(codes)
    picture[mask] = table[codes[mask]]
    return picture


def instance_borders(codes: np.ndarray) -> np.ndarray:
    """Mark the outlines of instances, one pixel wide.

    Args:
        codes: (H, W) panoptic codes.

    Returns:
        (H, W) bool: pixels whose right or lower neighbour belongs to another
        segment, where one of the two is an instance.
    """
    borders = np.zeros(codes.shape, bool)
    thing = is_instance(codes)
    borders[:, :-1] = (codes[:, :-1] != codes[:, 1:]) & (thing[:, :-1] | thing[:, 1:])
    borders[:-1] |= (codes[:-1] != codes[1:]) & (thing[:-1] | thing[1:])
    return borders


def _instance_colors(
    instances: Instances, palette: Sequence[Sequence[int]], width: int
) -> np.ndarray:
    """(K, 3) RGB in [0, 255]."""
    classes = instances.codes // LABEL_DIVISOR
    phase = 2 * np.pi * _shades(instances, classes, width) / NUM_SHADES
    thirds = 2 * np.pi / 3 * np.arange(3)
    # Moved inwards first: where a channel was cut off, shades would coincide.
    base = np.asarray(palette)[classes].clip(SHADE_STRENGTH, 255 - SHADE_STRENGTH)
    return np.rint(base + SHADE_STRENGTH * np.cos(phase[:, None] - thirds))


def _shades(instances: Instances, classes: np.ndarray, width: int) -> np.ndarray:
    """(K,) shades in [0, NUM_SHADES), int64."""
    _, areas, centers = instances
    wanted = centers[:, 1] / width * SHADE_TURNS * NUM_SHADES
    sides = np.sqrt(areas)
    shades = np.zeros(len(areas), np.int64)
    candidates = np.arange(NUM_SHADES)
    by_size = np.lexsort((centers[:, 1], centers[:, 0], -areas))
    for rank, index in enumerate(by_size):
        larger = by_size[:rank]
        distances = np.hypot(*(centers[larger] - centers[index]).T)
        is_close = distances < sides[larger] + sides[index]
        rivals = larger[is_close & (classes[larger] == classes[index])]
        steps = _steps(candidates[:, None], shades[rivals]).min(1, initial=CLEAR_STEPS)
        detour = _steps(candidates, wanted[index])
        shades[index] = np.lexsort((detour, -steps))[0]
    return shades


def _steps(shade: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Distance on the circle of shades."""
    ahead = (shade - other) % NUM_SHADES
    return np.minimum(ahead, NUM_SHADES - ahead)
