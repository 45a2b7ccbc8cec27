"""Offsets to instance centers as pictures."""

from __future__ import annotations

import cv2
import numpy as np


def colorize_offsets(offset: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Paint offsets: the hue is their direction, the brightness their length.

    Red leads right, yellow-green down, cyan left, violet up. The brightness is the
    square root of the length over that of the longest offset in the mask, so that
    small instances are seen beside large ones; an offset of nothing is black.

    Args:
        offset: (2, H, W) floats, (y, x) in pixels.
        mask: (H, W) bool, the pixels to paint; the others are black.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    y, x = np.where(mask, offset, 0).astype(np.float32)
    length = np.hypot(y, x)
    hsv = np.empty((*mask.shape, 3), np.float32)
    # OpenCV's hue of float pictures is in degrees.
    hsv[..., 0] = np.degrees(np.arctan2(y, x)) % 360
    hsv[..., 1] = 1
    hsv[..., 2] = np.sqrt(length / max(length.max(), np.finfo(np.float32).tiny))
    return np.uint8(np.rint(255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)))
