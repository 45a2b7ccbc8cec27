"""The random pattern that all surfaces share."""

from functools import lru_cache

import numpy as np

SIZE = 512
"""Side of the pattern in texels; it repeats without a seam."""


@lru_cache(maxsize=1)
def noise_pattern():
    """Fine, middle and coarse noise, the same in every process.

    Returns:
        np.ndarray: (512, 512, 3) float32, each channel with mean 0 and
        standard deviation 1, clipped to -2.5..2.5; structures of about 1.5,
        7 and 40 texels.
    """
    rng = np.random.default_rng(20)
    frequency = np.fft.fftfreq(SIZE)
    squared = frequency[:, None] ** 2 + frequency[None, : SIZE // 2 + 1] ** 2
    channels = []
    for width in (0.6, 2.6, 14.0):
        spectrum = np.fft.rfft2(rng.standard_normal((SIZE, SIZE)))
        spectrum *= np.exp(-2 * (np.pi * width) ** 2 * squared)
        channel = np.fft.irfft2(spectrum, s=(SIZE, SIZE))
        channel -= channel.mean()
        channels.append(np.clip(channel / channel.std(), -2.5, 2.5))
    return np.stack(channels, axis=2).astype(np.float32)
