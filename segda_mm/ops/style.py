"""Give an image the look of another one: its colours, or its coarse spectrum."""

from __future__ import annotations

import numpy as np
import torch

#: Spread below which a channel counts as constant: what is then left of it is
#: rounding, which must not be amplified.
_CONSTANT = 1e-3


def match_channel_statistics(
    image: np.ndarray, style: np.ndarray, strength: float
) -> np.ndarray:
    """Move mean and standard deviation of each channel to those of another image.

    Reinhard et al., "Color Transfer between Images", IEEE CG&A 2001.

    The result is float32, not limited to the range of the inputs.

    Args:
        image: Shape (H, W, C), in a space of independent channels, as CIE Lab.
        style: Shape (H', W', C), in the same space.
        strength: In [0, 1]: 0 changes nothing, 1 matches fully.
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


def transfer_low_frequencies(
    image: np.ndarray, style: np.ndarray, beta: float
) -> np.ndarray:
    """Replace the low-frequency amplitudes of each channel by those of another image.

    Phases stay, and so does all above ``b`` cycles an image, ``b`` being ``beta``
    times the smaller side, rounded down.

    Yang and Soatto, "FDA: Fourier Domain Adaptation for Semantic Segmentation",
    CVPR 2020.

    The result is float32, not limited to the range of the inputs.

    Args:
        image, style: Shape (H, W, C), any real dtype.
        beta: In [0, 0.5). 0 changes nothing, not even the means.
    """
    image = image.astype(np.float32)
    if beta == 0:
        return image
    size = image.shape[:2]
    highest = int(beta * min(size))
    own, drawn = (
        torch.fft.rfft2(torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1))
        for picture in (image, style)
    )
    # Those of negative frequency across are the conjugates of these.
    low = ..., torch.arange(-highest, highest + 1)[:, None], torch.arange(highest + 1)
    own[low] = torch.polar(drawn[low].abs(), own[low].angle())
    restyled = torch.fft.irfft2(own, s=size).permute(1, 2, 0)
    return restyled.contiguous().numpy()


def to_pixel_values(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Limit floating-point values to [0, 255] in ``dtype``, rounded for integers."""
    if np.issubdtype(dtype, np.integer):
        values = np.rint(values)
    return np.clip(values, 0, 255).astype(dtype)
