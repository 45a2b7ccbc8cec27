from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np

from segda_mm.errors import MissingDataError
from segda_mm.registry import DATASETS


class StyleImages:
    """Images that a transform draws from, to take over how they look.

    Args:
        images: Config of a data set of images, such as
            ``dict(type='UnlabeledImageDataset', images='my_street')``. Its
            pipeline is not used.
        user: Name of the transform, for messages.

    Raises:
        MissingDataError: The folder does not exist, or nothing matches.
        DataError: A listed image is absent, or a list file is wrong.
        ValueError: ``images`` is no config of a data set.
    """

    def __init__(self, images: Mapping, user: str) -> None:
        if not isinstance(images, Mapping) or 'type' not in images:
            raise ValueError(
                f'images= of {user} is {images!r}, but must be the config of a data '
                "set, as dict(type='UnlabeledImageDataset', images=FOLDER)"
            )
        config = copy.deepcopy(dict(images))
        try:
            self.dataset = DATASETS.build(
                dict(config, pipeline=[dict(type='LoadImageFromFile')])
            )
        except MissingDataError as error:
            raise MissingDataError(
                error.what,
                folder=error.folder,
                expected=f'{error.expected}, for images= of {user} in the pipeline',
            ) from error

    def draw(self) -> np.ndarray:
        """Read an image drawn by NumPy's global generator.

        Returns:
            uint8 (H, W, 3) in the order of ``LoadImageFromFile``, BGR.

        Raises:
            DataError: The image cannot be decoded.
        """
        return self.dataset[np.random.randint(len(self.dataset))]['img']
