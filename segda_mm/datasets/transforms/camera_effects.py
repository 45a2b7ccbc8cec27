from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from segda_mm.ops.style import to_pixel_values
from segda_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class CameraEffects(BaseTransform):
    """Blur an image, and add the noise of a sensor to it, as rendered ones lack both.

    Stands after everything that changes size or colours. Required key: ``img``,
    (H, W, C) in [0, 255]; its dtype is kept, values out of range are clipped.

    Source: two of the effects of Carlson et al., "Modeling Camera Effects to
    Improve Visual Learning from Synthetic Data", ECCV Workshops 2018, with noise
    of one strength in all pixels of an image.

    Args:
        blur_sigma: ``(lowest, highest)`` standard deviation of the Gaussian blur
            in pixels, drawn uniformly for each image.
        noise_sigma: The same of Gaussian noise, independent in every pixel and
            channel, in pixel values.
        prob: Probability of each of the two, drawn one by one.

    Raises:
        ValueError: An argument is out of range.
    """

    def __init__(
        self, blur_sigma: Sequence[float], noise_sigma: Sequence[float], prob: float
    ) -> None:
        if not 0 < blur_sigma[0] <= blur_sigma[1]:
            raise ValueError(
                f'blur_sigma={tuple(blur_sigma)} of CameraEffects must be (lowest, '
                'highest), above 0'
            )
        if not 0 <= noise_sigma[0] <= noise_sigma[1]:
            raise ValueError(
                f'noise_sigma={tuple(noise_sigma)} of CameraEffects must be (lowest, '
                'highest), at least 0'
            )
        if not 0 <= prob <= 1:
            raise ValueError(f'prob={prob} of CameraEffects must be in [0, 1]')
        self.blur_sigma = blur_sigma
        self.noise_sigma = noise_sigma
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Change ``img`` of ``results``."""
        dtype = results['img'].dtype
        pixels = results['img'].astype(np.float32)
        if np.random.rand() < self.prob:
            sigma = np.random.uniform(*self.blur_sigma)
            pixels = cv2.GaussianBlur(pixels, (0, 0), sigma).reshape(pixels.shape)
        if np.random.rand() < self.prob:
            sigma = np.random.uniform(*self.noise_sigma)
            pixels = pixels + np.random.normal(0, sigma, pixels.shape)
        results['img'] = to_pixel_values(pixels, dtype)
        return results
