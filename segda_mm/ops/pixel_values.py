"""From the values that arithmetic leaves to those that an image may hold."""

from __future__ import annotations

import numpy as np


def to_pixel_values(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Limit values to [0, 255] and give them the dtype of an image.

    Args:
        values: Floating point, any shape.
        dtype: Of the image; values are rounded for one of integers.

    Returns:
        The same shape, in ``dtype``.
    """
    if np.issubdtype(dtype, np.integer):
        values = np.rint(values)
    return np.clip(values, 0, 255).astype(dtype)
