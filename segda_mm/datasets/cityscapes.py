"""Cityscapes: annotated images, images alone, and the video around them.

Source: Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene
Understanding", CVPR 2016.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from segda_mm.errors import DataError
from segda_mm.registry import DATASETS

from .base import PairedSegDataset, PanopticSegDataset
from .formats.cityscapes_labels import LABEL_IDS, METAINFO, THING_CLASSES
from .unlabeled import UnlabeledImageDataset

_PREFIX = {'img_path': 'leftImg8bit/train', 'seg_map_path': 'gtFine/train'}
_SUFFIX = '_leftImg8bit.png'
_FRAME_NAME = re.compile(
    rf'(?P<recording>(?:.*/)?[^/]+_\d+)_(?P<frame>\d+){re.escape(_SUFFIX)}'
)


def _expected(files: str, archive: str) -> str:
    return f'one folder per city with {files} ({archive}.zip of Cityscapes)'


@DATASETS.register_module()
class CityscapesFineDataset(PairedSegDataset):
    """The finely annotated images, with labels.

    Reads ``*_gtFine_labelIds.png`` as published and turns the label ids into
    the 19 train ids when a file is loaded; nothing has to be converted.
    """

    METAINFO = METAINFO
    LABEL_TABLE = 'cityscapes'
    DATA_PREFIX = _PREFIX
    IMG_SUFFIX = _SUFFIX
    SEG_MAP_SUFFIX = '_gtFine_labelIds.png'
    IMAGES_EXPECTED = _expected('*_leftImg8bit.png', 'leftImg8bit_trainvaltest')
    LABELS_EXPECTED = _expected('*_gtFine_labelIds.png', 'gtFine_trainvaltest')


@DATASETS.register_module()
class CityscapesPanopticDataset(PanopticSegDataset):
    """The finely annotated images, with instances.

    Reads ``*_gtFine_instanceIds.png`` as published: 11 stuff and 8 thing
    classes; nothing has to be converted.
    """

    METAINFO = {
        **METAINFO,
        'thing_classes': list(THING_CLASSES),
        'label_ids': list(LABEL_IDS),
    }
    DATA_PREFIX = _PREFIX
    IMG_SUFFIX = _SUFFIX
    SEG_MAP_SUFFIX = '_gtFine_instanceIds.png'
    IMAGES_EXPECTED = CityscapesFineDataset.IMAGES_EXPECTED
    LABELS_EXPECTED = _expected('*_gtFine_instanceIds.png', 'gtFine_trainvaltest')


@DATASETS.register_module()
class CityscapesImagesDataset(UnlabeledImageDataset):
    """The finely annotated images, without their labels.

    Args:
        images: Folder of the images, relative to ``data_root``.
        kwargs: Further arguments of :class:`UnlabeledImageDataset`.
    """

    METAINFO = METAINFO
    SUFFIXES = (_SUFFIX,)
    IMAGES_EXPECTED = CityscapesFineDataset.IMAGES_EXPECTED

    def __init__(self, images: str = 'leftImg8bit/train', **kwargs) -> None:
        super().__init__(images=images, **kwargs)


@DATASETS.register_module()
class CityscapesExtraDataset(CityscapesImagesDataset):
    """The 20,000 further images, without their coarse annotations.

    Args:
        images: Folder of the images, relative to ``data_root``.
        kwargs: Further arguments of :class:`UnlabeledImageDataset`.
    """

    IMAGES_EXPECTED = _expected('*_leftImg8bit.png', 'leftImg8bit_trainextra')

    def __init__(self, images: str = 'leftImg8bit/train_extra', **kwargs) -> None:
        super().__init__(images=images, **kwargs)


@DATASETS.register_module()
class CityscapesSequenceDataset(CityscapesImagesDataset):
    """The video snippets, without labels.

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

    IMAGES_EXPECTED = _expected(
        'the frames *_leftImg8bit.png', 'leftImg8bit_sequence_trainvaltest'
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

    def describe_names(self, names: Sequence[str]) -> dict[str, dict]:
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
            numbers, ordered = zip(*sorted(frames))
            # Snippets of one recording have gaps between them, or follow
            # each other without one.
            gaps = np.flatnonzero(np.diff(numbers) != 1) + 1
            for start, stop in zip([0, *gaps], [*gaps, len(ordered)]):
                details.update(
                    _snippets_of_run(
                        ordered[start:stop], self.snippet_length, self.annotated_index
                    )
                )
        return details


def _snippets_of_run(
    run: Sequence[str], length: int, annotated_index: int
) -> dict[str, dict]:
    """The details of consecutive frames, which have to fill whole snippets."""
    if len(run) % length:
        raise DataError(
            f'starts a run of {len(run)} consecutive frames, which is not a number of '
            f'whole snippets of {length}',
            file=run[0],
            remedy='Restore the missing frames or remove the rest of the snippet; for '
            'other snippets set snippet_length=',
        )
    return {
        name: {
            'snippet': run[place - place % length].removesuffix(_SUFFIX),
            'frame_index': place % length,
            'is_annotated': place % length == annotated_index,
            'annotated_path': run[place - place % length + annotated_index],
        }
        for place, name in enumerate(run)
    }
