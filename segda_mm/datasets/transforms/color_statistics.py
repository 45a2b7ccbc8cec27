from __future__ import annotations

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from segda_mm.ops.style import match_channel_statistics, to_pixel_values
from segda_mm.registry import TRANSFORMS

from .style import StyleImages


@TRANSFORMS.register_module()
class ColorStatistics(BaseTransform):
    """Move the colour statistics of an image to those of another domain.

    Mean and standard deviation of lightness and of the two colour axes go
    towards those of an image drawn for each sample. The colour space is CIE
    Lab, as OpenCV converts sRGB to it, in floating point (by a table: some
    pixels come back one level off); the paper uses l-alpha-beta, another space
    of one lightness and two opponent axes.

    Stands after ``LoadImageFromFile``, best before anything that pads.
    Required key: ``img``, (H, W, 3), BGR in [0, 255]. Its dtype is kept;
    colours that a screen cannot show are clipped.

    Source: Reinhard et al., "Color Transfer between Images", IEEE Computer
    Graphics and Applications 2001.

    Args:
        images: Config of a data set of images to draw from, such as
            ``dict(type='UnlabeledImageDataset', images='my_street')``. Its
            pipeline is not used.
        strength: ``(lowest, highest)`` of the strength, drawn uniformly for
            each image: 0 leaves it as it is, 1 takes the statistics over.
        prob: Probability that an image is changed.

    Raises:
        MissingDataError: There are no images to draw from.
        ValueError: An argument is out of range, or ``images`` no data set.
    """

    def __init__(
        self, images: dict, strength: tuple[float, float], prob: float
    ) -> None:
        lowest, highest = strength
        if not 0 <= lowest <= highest <= 1:
            raise ValueError(
                f'strength={strength} of ColorStatistics must be (lowest, highest) '
                'within [0, 1]'
            )
        if not 0 <= prob <= 1:
            raise ValueError(f'prob={prob} of ColorStatistics must be in [0, 1]')
        self.style_images = StyleImages(images, type(self).__name__)
        self.strength = (lowest, highest)
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Change ``img`` of ``results`` with probability ``prob``."""
        if np.random.rand() >= self.prob:
            return results
        image = results['img']
        strength = np.random.uniform(*self.strength)
        matched = match_channel_statistics(
            _to_lab(image), _to_lab(self.style_images.draw()), strength
        )
        pixels = 255 * cv2.cvtColor(matched, cv2.COLOR_Lab2BGR)
        results['img'] = to_pixel_values(pixels, image.dtype)
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}({len(self.style_images.dataset)} images, '
            f'strength={self.strength}, prob={self.prob})'
        )


def _to_lab(image: np.ndarray) -> np.ndarray:
    """float32 (H, W, 3): lightness in [0, 100], two axes around 0."""
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2Lab)
