"""Give an image the colours of another one, by way of mean and spread."""

from __future__ import annotations

import numpy as np

#: Spread below which a channel counts as constant: what is then left of it is
#: rounding, which must not be amplified.
_CONSTANT = 1e-3


def match_channel_statistics(
    image: np.ndarray, style: np.ndarray, strength: float
) -> np.ndarray:
    """Move mean and standard deviation of each channel to those of another image.

    A value ``x`` of a channel becomes ``x + strength * (m - x)`` with the
    matched value ``m = (x - mean) * style_std / std + style_mean``.

    Source: Reinhard et al., "Color Transfer between Images", IEEE Computer
    Graphics and Applications 2001.

    Args:
        image: Shape (H, W, C), in a colour space whose channels hardly depend
            on each other, such as l-alpha-beta or CIE Lab.
        style: Shape (H', W', C), in the same space.
        strength: How far to go, in [0, 1]: 0 changes nothing, 1 matches fully.

    Returns:
        float32 (H, W, C), not limited to the range of the inputs.
    """
    mean, std = _statistics(image)
    style_mean, style_std = _statistics(style)
    ratio = style_std / np.maximum(std, _CONSTANT)
    # The same formula as one factor and one offset a channel.
    factor = 1 + strength * (ratio - 1)
    offset = strength * (style_mean - ratio * mean)
    return image * factor.astype(np.float32) + offset.astype(np.float32)


def _statistics(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel, float64 (C,)."""
    # Over neighbours in memory, NumPy sums ten times faster.
    planes = np.ascontiguousarray(image.transpose(2, 0, 1)).reshape(image.shape[2], -1)
    # Sums over millions of pixels need more digits than float32 has.
    return planes.mean(1, dtype=np.float64), planes.std(1, dtype=np.float64)
