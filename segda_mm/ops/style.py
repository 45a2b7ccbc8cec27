"""Give an image the look of another one: its colours, or its coarse spectrum."""

from __future__ import annotations

import numpy as np

#: Spread below which a channel counts as constant: what is then left of it is
#: rounding, which must not be amplified.
_CONSTANT = 1e-3


def match_channel_statistics(
    image: np.ndarray, style: np.ndarray, strength: float
) -> np.ndarray:
    """Move mean and standard deviation of each channel to those of another image.

    Reinhard et al., "Color Transfer between Images", IEEE CG&A 2001.

    Args:
        image: Shape (H, W, C), in a space of independent channels, as CIE Lab.
        style: Shape (H', W', C), in the same space.
        strength: In [0, 1]: 0 changes nothing, 1 matches fully.

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


def transfer_low_frequencies(
    image: np.ndarray, style: np.ndarray, beta: float
) -> np.ndarray:
    """Replace the low-frequency amplitudes of each channel by those of another image.

    Phases stay, and so does all above ``b`` cycles an image, ``b`` being ``beta``
    times the smaller side, rounded down. Products with matrices of waves take less
    time here than transforming whole images.

    Yang and Soatto, "FDA: Fourier Domain Adaptation for Semantic Segmentation",
    CVPR 2020.

    Args:
        image: Shape (H, W, C), any real dtype.
        style: The same shape.
        beta: In [0, 0.5). 0 changes nothing, not even the means.

    Returns:
        float32 (H, W, C), not limited to the range of the inputs.
    """
    image = image.astype(np.float32)
    if beta == 0:
        return image
    height, width, _ = image.shape
    highest = int(beta * min(height, width))
    vertical = _waves(np.arange(-highest, highest + 1), height)
    # Those of negative frequency are the conjugates of these.
    horizontal = _waves(np.arange(highest + 1), width)
    low = _spectrum(image, vertical, horizontal)
    amplitudes = np.abs(_spectrum(style, vertical, horizontal))
    change = amplitudes * np.exp(1j * np.angle(low)) - low
    return image + _picture(change, vertical, horizontal)


def _waves(frequencies: np.ndarray, length: int) -> np.ndarray:
    """exp(-2 pi i f x / length), complex64 (number of frequencies, length)."""
    # Whole turns are left out while they still are integers.
    turns = np.outer(frequencies, np.arange(length)) % length / length
    return np.exp(-2j * np.pi * turns).astype(np.complex64)


def _spectrum(
    image: np.ndarray, vertical: np.ndarray, horizontal: np.ndarray
) -> np.ndarray:
    """The given frequencies of each channel, complex64 (C, F, G)."""
    planes = np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32)
    # Products of real matrices take half the time of complex ones.
    lines = planes @ horizontal.real.T + 1j * (planes @ horizontal.imag.T)
    return vertical @ lines


def _picture(
    spectrum: np.ndarray, vertical: np.ndarray, horizontal: np.ndarray
) -> np.ndarray:
    """The image of these frequencies and their conjugates, float32 (H, W, C)."""
    lines = vertical.conj().T @ spectrum
    # But for frequency 0, each stands for its conjugate too.
    lines[..., 1:] *= 2
    # The real part of the product with the conjugate of `horizontal`.
    planes = lines.real @ horizontal.real + lines.imag @ horizontal.imag
    return planes.transpose(1, 2, 0) / (vertical.shape[1] * horizontal.shape[1])


def to_pixel_values(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Limit floating-point values to [0, 255] in ``dtype``, rounded for integers."""
    if np.issubdtype(dtype, np.integer):
        values = np.rint(values)
    return np.clip(values, 0, 255).astype(dtype)
