from __future__ import annotations

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform

from segda_mm.ops.style import to_pixel_values, transfer_low_frequencies
from segda_mm.registry import TRANSFORMS

from .style import StyleImages


@TRANSFORMS.register_module()
class FourierStyle(BaseTransform):
    """Give an image the low-frequency amplitudes of an image of another domain.

    What is in the image, and its labels, stay; its light and colours become
    those of an image drawn for each sample and resized to its size.

    Stands after ``Resize``: the square of frequencies belongs to the size of
    the image at hand. Required key: ``img``, (H, W, 3) in [0, 255], as
    ``LoadImageFromFile`` reads it. Its dtype is kept; values that leave the
    range are clipped. See
    :func:`segda_mm.ops.style.transfer_low_frequencies`.

    Source: Yang and Soatto, "FDA: Fourier Domain Adaptation for Semantic
    Segmentation", CVPR 2020.

    Args:
        images: Config of a data set of images to draw from, such as
            ``dict(type='UnlabeledImageDataset', images='my_street')``. Its
            pipeline is not used.
        beta: Half the side of the square of low frequencies as a share of the
            smaller side of the image, in [0, 0.5); the paper uses 0.01, 0.05
            and 0.09.
        prob: Probability that an image is changed.

    Raises:
        MissingDataError: There are no images to draw from.
        ValueError: An argument is out of range, or ``images`` no data set.
    """

    def __init__(self, images: dict, beta: float, prob: float) -> None:
        if not 0 <= beta < 0.5:
            raise ValueError(f'beta={beta} of FourierStyle must be in [0, 0.5)')
        if not 0 <= prob <= 1:
            raise ValueError(f'prob={prob} of FourierStyle must be in [0, 1]')
        self.style_images = StyleImages(images, type(self).__name__)
        self.beta = beta
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Change ``img`` of ``results`` with probability ``prob``."""
        if np.random.rand() >= self.prob:
            return results
        image = results['img']
        style = mmcv.imresize(self.style_images.draw(), image.shape[1::-1])
        results['img'] = to_pixel_values(
            transfer_low_frequencies(image, style, self.beta), image.dtype
        )
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}({len(self.style_images.dataset)} images, '
            f'beta={self.beta}, prob={self.prob})'
        )
