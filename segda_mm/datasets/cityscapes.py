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
from .snippets import FRAMES_AFTER, FRAMES_BEFORE
from .unlabeled import UnlabeledImageDataset

_PREFIX = {'img_path': 'leftImg8bit/train', 'seg_map_path': 'gtFine/train'}
_SNIPPET_LENGTH = FRAMES_BEFORE + 1 + FRAMES_AFTER
_SUFFIX = '_leftImg8bit.png'
_FRAME_NAME = re.compile(
    rf'(?P<recording>(?:.*/)?[^/]+_\d+)_(?P<frame>\d+)(?i:{re.escape(_SUFFIX)})'
)


def _expected(files: str, archive: str) -> str:
    return f'one folder per city with {files} ({archive}.zip of Cityscapes)'


@DATASETS.register_module()
class CityscapesFineDataset(PairedSegDataset):
    """The finely annotated images with ``*_gtFine_labelIds.png`` as published."""

    METAINFO = METAINFO
    LABEL_TABLE = 'cityscapes'
    DATA_PREFIX = _PREFIX
    IMG_SUFFIX = _SUFFIX
    SEG_MAP_SUFFIX = '_gtFine_labelIds.png'
    IMAGES_EXPECTED = _expected('*_leftImg8bit.png', 'leftImg8bit_trainvaltest')
    LABELS_EXPECTED = _expected('*_gtFine_labelIds.png', 'gtFine_trainvaltest')


@DATASETS.register_module()
class CityscapesPanopticDataset(PanopticSegDataset):
    """The same with instances, from ``*_gtFine_instanceIds.png`` as published."""

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
    """The finely annotated images, without their labels."""

    METAINFO = METAINFO
    SUFFIXES = (_SUFFIX,)
    IMAGES_EXPECTED = CityscapesFineDataset.IMAGES_EXPECTED

    def __init__(self, images: str = 'leftImg8bit/train', **kwargs) -> None:
        super().__init__(images=images, **kwargs)


@DATASETS.register_module()
class CityscapesExtraDataset(CityscapesImagesDataset):
    """The 20,000 further images, without their coarse annotations."""

    IMAGES_EXPECTED = _expected('*_leftImg8bit.png', 'leftImg8bit_trainextra')

    def __init__(self, images: str = 'leftImg8bit/train_extra', **kwargs) -> None:
        super().__init__(images=images, **kwargs)


@DATASETS.register_module()
class CityscapesSequenceDataset(CityscapesImagesDataset):
    """The video snippets, without labels.

    A snippet is 30 consecutive frames, of which the 20th is the one that the
    finely annotated set has labels for. Every data info also has its
    ``annotated_path``, the ``relative_path`` of that frame.
    """

    IMAGES_EXPECTED = _expected(
        'the frames *_leftImg8bit.png', 'leftImg8bit_sequence_trainvaltest'
    )

    def __init__(self, images: str = 'leftImg8bit_sequence/train', **kwargs) -> None:
        super().__init__(images=images, **kwargs)

    def describe_names(self, names: Sequence[str]) -> dict[str, dict]:
        """Find the annotated frame of each frame's snippet."""
        recordings = {}
        for name in names:
            match = _FRAME_NAME.fullmatch(name)
            if match is None:
                raise DataError(
                    'is not named CITY_SEQUENCE_FRAME_leftImg8bit.png',
                    file=name,
                    remedy='Keep only the frames of leftImg8bit_sequence here',
                )
            frame = int(match['frame']), name
            recordings.setdefault(match['recording'], []).append(frame)
        details = {}
        for frames in recordings.values():
            numbers, ordered = zip(*sorted(frames))
            # Snippets of one recording have gaps between them, or follow
            # each other without one.
            gaps = np.flatnonzero(np.diff(numbers) != 1) + 1
            for start, stop in zip([0, *gaps], [*gaps, len(ordered)]):
                run = ordered[start:stop]
                if len(run) % _SNIPPET_LENGTH:
                    raise DataError(
                        f'starts a run of {len(run)} consecutive frames, which are no '
                        f'whole snippets of {_SNIPPET_LENGTH}',
                        file=run[0],
                        remedy='Restore the missing frames or remove the rest',
                    )
                for place, name in enumerate(run):
                    first = place - place % _SNIPPET_LENGTH
                    details[name] = {'annotated_path': run[first + FRAMES_BEFORE]}
        return details
