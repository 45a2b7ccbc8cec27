"""Panoptic maps, center heatmaps and offsets as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from segda_mm.ops.panoptic_codes import LABEL_DIVISOR, VOID_CODE
from segda_mm.visualization.semantic import colorize

#: Shades of a class, on a circle around its colour.
NUM_SHADES = 12

#: How far a shade moves each of red, green and blue.
SHADE_STRENGTH = 36

#: Times that the shades run through from the left border to the right one.
SHADE_TURNS = 3

#: Steps on the circle from which on two shades are told apart at a glance.
CLEAR_STEPS = 2

#: RGB of a center that was predicted and of one from the labels.
PREDICTED_COLOR = (0, 255, 255)
TRUE_COLOR = (0, 255, 0)


class Instances(NamedTuple):
    """The instances of a panoptic map, sorted by their codes.

    ``codes`` and ``areas`` (K,) int64; ``centers`` (K, 2) float64, the mean (y, x).
    """

    codes: np.ndarray
    areas: np.ndarray
    centers: np.ndarray


def is_instance(codes: np.ndarray) -> np.ndarray:
    """Tell pixels of instances (bool) from stuff, groups of things and void."""
    return (codes % LABEL_DIVISOR > 0) & (codes < VOID_CODE)


def locate_instances(codes: np.ndarray, shift: np.ndarray | None = None) -> Instances:
    """Find area and center of every instance of (H, W) panoptic codes.

    With ``shift`` (2, H, W), the predicted offsets, the center is where the pixels of
    an instance point to on average.
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


def colorize_panoptic(
    codes: np.ndarray, palette: Sequence[Sequence[int]]
) -> np.ndarray:
    """Paint a panoptic map: every class in its colour, its instances in shades of it.

    The shade follows from the center's place in the picture, so that truth and
    prediction, or two frames, paint a car alike; of close instances of a class the
    smaller one takes the nearest shade that differs clearly. Void is black.

    Args:
        codes: (H, W) panoptic codes.
        palette: (num_classes, 3) RGB values in [0, 255].
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
    """Mark the outlines of instances, one pixel wide, (H, W) bool."""
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


def draw_centers(
    image: np.ndarray,
    heatmap: np.ndarray,
    predicted: np.ndarray,
    truth: np.ndarray | None = None,
) -> np.ndarray:
    """Lay a center heatmap over the darkened grey image and mark centers.

    Args:
        image: (H, W, 3) uint8 RGB.
        heatmap: (H, W) floats; [0, 1] runs from the bare image to white.
        predicted: (K, 2) points (y, x) in pixels, marked by cyan crosses.
        truth: (L, 2) points, marked by green circles.
    """
    heat = heatmap.clip(0, 1).astype(np.float32)[..., None]
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None] / np.float32(2)
    hot = cv2.applyColorMap(np.uint8(heat * 255), cv2.COLORMAP_HOT)[..., ::-1]
    picture = np.ascontiguousarray(grey * (1 - heat) + hot * heat).astype(np.uint8)
    # A mark stays as visible on a large picture as on a small one.
    size = max(3, min(image.shape[:2]) // 64)
    for x, y in _pixels(truth if truth is not None else np.zeros((0, 2))):
        cv2.circle(picture, (x, y), size, TRUE_COLOR)
    for x, y in _pixels(predicted):
        cv2.drawMarker(
            picture, (x, y), PREDICTED_COLOR, cv2.MARKER_TILTED_CROSS, 2 * size - 1
        )
    return picture


def _pixels(points: np.ndarray) -> list[list[int]]:
    """(x, y) as OpenCV takes them."""
    return np.rint(points[:, ::-1]).astype(int).tolist()


def colorize_offsets(offset: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Paint offsets: the hue is their direction, the brightness their length.

    Red leads right, yellow-green down, cyan left, violet up; the brightness is the
    square root of the length over that of the longest offset.

    Args:
        offset: (2, H, W) floats, (y, x) in pixels.
        mask: (H, W) bool, the pixels to paint; the others are black.
    """
    y, x = np.where(mask, offset, 0).astype(np.float32)
    length = np.hypot(y, x)
    hsv = np.empty((*mask.shape, 3), np.float32)
    # OpenCV's hue of float pictures is in degrees.
    hsv[..., 0] = np.degrees(np.arctan2(y, x)) % 360
    hsv[..., 1] = 1
    hsv[..., 2] = np.sqrt(length / max(length.max(), np.finfo(np.float32).tiny))
    return np.uint8(np.rint(255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)))
