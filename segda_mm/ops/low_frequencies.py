"""Give an image the coarse look of another one, by way of their spectra."""

from __future__ import annotations

import numpy as np


def transfer_low_frequencies(
    image: np.ndarray, style: np.ndarray, beta: float
) -> np.ndarray:
    """Replace the low-frequency amplitudes of an image by those of another.

    In the two-dimensional spectrum of each channel the amplitudes of all
    frequencies up to ``b`` cycles an image, in either direction, become those
    of ``style``; every phase, and all that is above, stays. ``b`` is ``beta``
    times the smaller side of the image, rounded down. Of ``b = 0`` only the
    mean of a channel changes.

    Only the frequencies that change are looked at, by products with matrices
    of waves: that takes less time than Fourier transforms of whole images, of
    which nearly all would be transformed back as it was.

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
