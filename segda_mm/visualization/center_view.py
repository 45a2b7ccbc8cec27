"""Heatmaps of instance centers as pictures."""

from __future__ import annotations

import cv2
import numpy as np

#: RGB of a center that was predicted and of one from the labels.
PREDICTED_COLOR = (0, 255, 255)
TRUE_COLOR = (0, 255, 0)


def draw_centers(
    image: np.ndarray,
    heatmap: np.ndarray,
    predicted: np.ndarray,
    truth: np.ndarray | None = None,
) -> np.ndarray:
    """Lay a center heatmap over the darkened grey image and mark centers.

    Args:
        image: (H, W, 3) uint8 RGB.
        heatmap: (H, W) floats; the range [0, 1] runs from the bare image over
            red and yellow to white, what lies outside is cut off.
        predicted: (K, 2) points (y, x) in pixels, marked by cyan crosses.
        truth: (L, 2) points, marked by green circles.

    Returns:
        (H, W, 3) uint8 RGB.
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
