"""Class maps to colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def colorize(labels: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Paint a class map in a palette; every id beyond the palette is black.

    Args:
        labels: (H, W) integer class ids in [0, 255]; void is 255.
        palette: (num_classes, 3) RGB values in [0, 255].

    Returns:
        (H, W, 3) uint8 RGB image.
    """
    table = np.zeros((256, 3), np.uint8)
    table[: len(palette)] = palette
    return table[labels]
