from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from segda_mm.errors import DataError
from segda_mm.registry import DATASETS

from .cityscapes_images import CityscapesImagesDataset

_FRAME_NAME = re.compile(
    r'(?P<recording>(?:.*/)?[^/]+_\d+)_(?P<frame>\d+)_leftImg8bit\.png'
)


@DATASETS.register_module()
class CityscapesSequenceDataset(CityscapesImagesDataset):
    """The video snippets of Cityscapes, without labels.

    A snippet is 30 consecutive frames, of which the 20th (index 19) is the
    one that the finely annotated set has labels for. Every data info also
    has ``snippet`` (the name of its first frame without the suffix),
    ``frame_index`` (0..29), ``is_annotated`` (whether it is the frame at
    ``annotated_index``) and ``annotated_path`` (``relative_path`` of that
    frame, from which the city and the name of the label file follow).

    Args:
        images: Folder of the frames, relative to ``data_root``.
        snippet_length: Frames in a snippet.
        annotated_index: Index of the annotated frame in its snippet.
        kwargs: Further arguments of :class:`UnlabeledImageDataset`.

    Raises:
        DataError: A name is not that of a frame, or a snippet is incomplete,
            so that the index of its frames is unknown.
    """

    IMAGES_EXPECTED = (
        'one folder per city with the frames '
        '*_leftImg8bit.png (leftImg8bit_sequence_trainvaltest'
        '.zip of Cityscapes)'
    )

    def __init__(
        self,
        images: str = 'leftImg8bit_sequence/train',
        snippet_length: int = 30,
        annotated_index: int = 19,
        **kwargs,
    ) -> None:
        if not 0 <= annotated_index < snippet_length:
            raise ValueError(
                f'annotated_index={annotated_index} must be in 0..'
                f'{snippet_length - 1}, the frames of a snippet'
            )
        self.snippet_length = snippet_length
        self.annotated_index = annotated_index
        super().__init__(images=images, **kwargs)

    def describe_names(self, names: Sequence[str]) -> dict:
        """Find out each frame's snippet and its index there."""
        recordings = {}
        for name in names:
            match = _FRAME_NAME.fullmatch(name)
            if match is None:
                raise DataError(
                    'is not named CITY_SEQUENCE_FRAME_leftImg8bit.png',
                    file=name,
                    remedy='Keep only the frames of '
                    'leftImg8bit_sequence in this folder',
                )
            recordings.setdefault(match['recording'], []).append(
                (int(match['frame']), name)
            )

        details = {}
        for frames in recordings.values():
            frames.sort()
            numbers = np.array([number for number, _ in frames])
            # Snippets of one recording have gaps between them, or follow
            # each other without one.
            starts = np.flatnonzero(np.diff(numbers, prepend=-2) != 1)
            for run in np.split(np.arange(len(frames)), starts[1:]):
                if len(run) % self.snippet_length:
                    raise DataError(
                        f'starts a run of {len(run)} consecutive frames, '
                        'which is not a number of whole snippets of '
                        f'{self.snippet_length}',
                        file=frames[run[0]][1],
                        remedy='Restore the missing frames or remove the '
                        'rest of the snippet; for other snippets set '
                        'snippet_length=',
                    )
                for start in run[:: self.snippet_length]:
                    snippet = [
                        name for _, name in frames[start : start + self.snippet_length]
                    ]
                    for index, name in enumerate(snippet):
                        details[name] = {
                            'snippet': snippet[0][: -len('_leftImg8bit.png')],
                            'frame_index': index,
                            'is_annotated': index == self.annotated_index,
                            'annotated_path': snippet[self.annotated_index],
                        }
        return details
