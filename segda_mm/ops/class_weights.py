"""How much a pixel of each class weighs where rare ones are to weigh more."""

from __future__ import annotations

import numpy as np


def class_weights(pixels: np.ndarray, power: float, cap: float) -> np.ndarray:
    """Powers of inverse shares, 1 in the mean over pixels before the cap.

    Args:
        pixels: Of each class, (K,).
        power: In [0, 1].
        cap: Largest weight.

    Returns:
        float64 (K,), above 0; 1 for a class without pixels.
    """
    seen = pixels > 0
    if not seen.any():
        return np.ones(len(pixels))
    shares = pixels / pixels.sum()
    weights = np.power(shares, -power, where=seen, out=np.zeros_like(shares))
    weights /= (shares * weights).sum()
    return np.where(seen, np.minimum(weights, cap), 1.0)
