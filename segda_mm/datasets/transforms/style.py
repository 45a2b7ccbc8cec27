"""Giving an image the look of another domain, from images drawn of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import cv2
import mmcv
import numpy as np
from mmcv.transforms import BaseTransform

from segda_mm.errors import MissingDataError
from segda_mm.ops.style import (
    match_channel_statistics,
    to_pixel_values,
    transfer_low_frequencies,
)
from segda_mm.registry import DATASETS, TRANSFORMS


class StyleTransform(BaseTransform):
    """Base of transforms that draw an image of another domain for each sample.

    Required key: ``img``, (H, W, 3), BGR in [0, 255]; its dtype is kept, values out
    of range are clipped.

    Args:
        images: Config of a data set of images to draw from, such as
            ``dict(type='UnlabeledImageDataset', images='my_street')``.
        prob: Probability that an image is changed.
    """

    def __init__(self, images: Mapping, prob: float) -> None:
        user = type(self).__name__
        if not isinstance(images, Mapping):
            raise ValueError(
                f'images= of {user} is {images!r}, but must be the config of a data '
                "set, as dict(type='UnlabeledImageDataset', images=FOLDER)"
            )
        load = [dict(type='LoadImageFromFile')]
        try:
            self.images = DATASETS.build({**copy.deepcopy(images), 'pipeline': load})
        except MissingDataError as error:
            expected = f'{error.expected}, for images= of {user} in the pipeline'
            raise MissingDataError(
                error.what, folder=error.folder, expected=expected
            ) from error
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Change ``img`` of ``results`` with probability ``prob``."""
        image = results['img']
        if image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(
                f'{type(self).__name__} changes images of 3 channels, but gets an '
                f'array of shape {image.shape}; take it out of the pipeline'
            )
        if np.random.rand() < self.prob:
            results['img'] = to_pixel_values(self.restyle(image), image.dtype)
        return results

    def restyle(self, image: np.ndarray) -> np.ndarray:
        """Return the image in the style of a drawn one, (H, W, 3)."""
        raise NotImplementedError

    def draw(self) -> np.ndarray:
        """Read an image drawn by NumPy's global generator, uint8 (H, W, 3), BGR."""
        return self.images[np.random.randint(len(self.images))]['img']


@TRANSFORMS.register_module()
class FourierStyle(StyleTransform):
    """Give an image the low-frequency amplitudes of an image of another domain.

    Stands after ``Resize``: the frequencies belong to the size of the image at hand.

    Source: Yang and Soatto, "FDA: Fourier Domain Adaptation for Semantic
    Segmentation", CVPR 2020.

    Args:
        images, prob: See :class:`StyleTransform`.
        beta: Half the side of the square of low frequencies as a share of the
            smaller side of the image, in [0, 0.5); the paper uses 0.01 to 0.09.
    """

    def __init__(self, images: Mapping, beta: float, prob: float) -> None:
        if not 0 <= beta < 0.5:
            raise ValueError(f'beta={beta} of FourierStyle must be in [0, 0.5)')
        super().__init__(images, prob)
        self.beta = beta

    def restyle(self, image: np.ndarray) -> np.ndarray:
        style = mmcv.imresize(self.draw(), image.shape[1::-1])
        return transfer_low_frequencies(image, style, self.beta)


@TRANSFORMS.register_module()
class ColorStatistics(StyleTransform):
    """Move the colour statistics of an image to those of another domain.

    Mean and standard deviation of the three channels of CIE Lab (the paper uses
    l-alpha-beta) go towards those of an image drawn for each sample. Stands after
    ``LoadImageFromFile``, best before anything that pads.

    Source: Reinhard et al., "Color Transfer between Images", IEEE Computer Graphics
    and Applications 2001.

    Args:
        images, prob: See :class:`StyleTransform`.
        strength: ``(lowest, highest)`` of the strength, drawn uniformly for each
            image: 0 leaves it as it is, 1 takes the statistics over.
    """

    def __init__(
        self, images: Mapping, strength: tuple[float, float], prob: float
    ) -> None:
        lowest, highest = strength
        if not 0 <= lowest <= highest <= 1:
            raise ValueError(f'strength={strength} must be (lowest, highest) in [0, 1]')
        super().__init__(images, prob)
        self.strength = strength

    def restyle(self, image: np.ndarray) -> np.ndarray:
        strength = np.random.uniform(*self.strength)
        own, drawn = _to_lab(image), _to_lab(self.draw())
        matched = match_channel_statistics(own, drawn, strength)
        return 255 * cv2.cvtColor(matched, cv2.COLOR_Lab2BGR)


def _to_lab(image: np.ndarray) -> np.ndarray:
    """float32 (H, W, 3): lightness in [0, 100], two axes around 0."""
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2Lab)
