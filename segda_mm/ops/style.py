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


def transfer_low_frequencies(
    image: np.ndarray, style: np.ndarray, beta: float
) -> np.ndarray:
    """Replace the low-frequency amplitudes of an image by those of another.

    In the two-dimensional spectrum of each channel the amplitudes of all
    frequencies up to ``b`` cycles an image, in either direction, become those
    of ``style``; every phase, and all that is above, stays. ``b`` is ``beta``
    times the smaller side of the image, rounded down; with 0 only the mean of
    a channel changes. Only these frequencies are looked at, by products with
    matrices of waves, which takes less time than transforming whole images.

    Source: Yang and Soatto, "FDA: Fourier Domain Adaptation for Semantic
    Segmentation", CVPR 2020.

    Args:
        image: Shape (H, W, C), any real dtype.
        style: The same shape.
        beta: Half the side of the square of low frequencies as a share of the
            smaller side of the image, in [0, 0.5). 0 changes nothing, not even
            the means.

    Returns:
        float32 (H, W, C), not limited to the range of the inputs.

    Raises:
        ValueError: ``beta`` is out of range, or the shapes differ.
    """
    if not 0 <= beta < 0.5:
        raise ValueError(f'beta={beta} must be in [0, 0.5)')
    if image.shape != style.shape:
        raise ValueError(
            f'image {image.shape} and style {style.shape} must have one shape'
        )
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
