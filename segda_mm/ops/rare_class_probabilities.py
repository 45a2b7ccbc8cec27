"""How often each class is drawn where rare ones are to be seen more often."""

from __future__ import annotations

import numpy as np


def rare_class_probabilities(
    shares: np.ndarray, drawable: np.ndarray, temperature: float
) -> np.ndarray:
    """Softmax of (1 - share) / temperature over the classes that can be drawn.

    Hoyer, Dai and Van Gool, "DAFormer", CVPR 2022, "Rare Class Sampling".

    Args:
        shares: Of each class in the labelled pixels, (K,), in [0, 1].
        drawable: Whether a class can be drawn, bool (K,); the others get 0.
        temperature: Above 0; the lower, the more only the rarest class is drawn.
    """
    exponents = np.where(drawable, (1 - shares) / temperature, -np.inf)
    # Temperatures are small: without this the powers would leave float64.
    weights = np.exp(exponents - exponents.max())
    return weights / weights.sum()
