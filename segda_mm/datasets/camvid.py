"""CamVid: driving video with 11 classes.

Source: Brostow et al., "Semantic object classes in video", Pattern Recognition
Letters 2009; the 11 classes as in SegNet (2015).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from segda_mm.errors import DataError
from segda_mm.registry import DATASETS

from .base import PairedSegDataset
from .unlabeled import UnlabeledImageDataset

# In the order of the class ids, RGB as commonly drawn since SegNet; 11 is void.
_COLORS = {
    'Sky': (128, 128, 128),
    'Building': (128, 0, 0),
    'Pole': (192, 192, 128),
    'Road': (128, 64, 128),
    'Pavement': (60, 40, 222),
    'Tree': (128, 128, 0),
    'SignSymbol': (192, 128, 128),
    'Fence': (64, 64, 128),
    'Car': (64, 0, 128),
    'Pedestrian': (64, 64, 0),
    'Bicyclist': (0, 128, 192),
}

#: The 11 classes in the order of their ids.
CLASSES = tuple(_COLORS)

_FRAME_NAME = re.compile(r'(?:.*/)?(?P<sequence>[^/_]+)_\D*(?P<frame>\d+)\D*')


def select_frames(
    names: Sequence[str],
    sequences: Sequence[str] | None = None,
    frames: tuple | None = None,
    every: float | None = None,
    leave_out_every: float | None = None,
) -> list[str]:
    """Choose sequences of CamVid, and a part of each of them.

    ``0001TP_006690.jpg`` is frame 6690 of sequence ``0001TP``.

    Args:
        names: Paths of images relative to their folder.
        sequences: Sequences to keep (0001TP is dusk; 0006R0, 0016E5 and
            Seq05VD are day); None for all.
        frames: ``(start, stop)`` of each sequence in time order: floats are
            fractions in 0..1, two integers an index slice, so that ``(0, 1)``
            is the first frame.
        every: Keep the first of these frames and every ``every``-th after it;
            of 2.5, the frames 0, 2, 5, 7, 10 and so on.
        leave_out_every: Keep the frames that ``every`` leaves out.

    Returns:
        The chosen names, sorted.

    Raises:
        DataError: A sequence has no image, or nothing is left of it.
        ValueError: ``frames`` is no such pair, or a number is below 1.
    """
    for name, number in (('every', every), ('leave_out_every', leave_out_every)):
        if number is not None and number < 1:
            raise ValueError(f'{name}={number} must be at least 1')
    found = {}
    for name in names:
        match = _FRAME_NAME.fullmatch(name)
        if match is None:
            raise DataError(
                'is not named SEQUENCE_FRAME.jpg, as 0001TP_006690.jpg',
                file=name,
                remedy='Keep only CamVid images in this folder',
            )
        found.setdefault(match['sequence'], []).append((int(match['frame']), name))

    chosen = []
    for sequence in sorted(found) if sequences is None else sequences:
        if sequence not in found:
            raise DataError(
                f'sequence {sequence!r} has no image here; there are {sorted(found)}',
                remedy='Correct sequences= of this data set',
            )
        ordered = [name for _, name in sorted(found[sequence])]
        start, stop = _slice(frames, len(ordered))
        kept = ordered[start:stop]
        if every is not None:
            kept = [kept[index] for index in _spaced(len(kept), every)]
        if leave_out_every is not None:
            left_out = set(_spaced(len(kept), leave_out_every))
            kept = [name for i, name in enumerate(kept) if i not in left_out]
        if not kept:
            raise DataError(
                f'frames={frames}, every={every}, leave_out_every={leave_out_every} '
                f'leaves nothing of the {len(ordered)} frames of {sequence!r}',
                remedy='Widen them',
            )
        chosen.extend(kept)
    return sorted(chosen)


def _spaced(count: int, spacing: float) -> list[int]:
    indices = (int(step * spacing) for step in range(count))
    return [index for index in indices if index < count]


def _slice(frames: tuple | None, length: int) -> tuple[int, int]:
    if frames is None:
        return 0, length
    start, stop = frames
    if isinstance(start, int) and isinstance(stop, int):
        return start, stop
    if 0 <= start < stop <= 1:
        return int(start * length + 0.5), int(stop * length + 0.5)
    raise ValueError(
        f'frames={frames!r} must be fractions of each sequence, 0.0 <= start < '
        'stop <= 1.0, or two integers, an index slice'
    )


class _ChosenFrames:
    """The part of CamVid's data sets that chooses frames."""

    METAINFO = {'classes': CLASSES, 'palette': [list(c) for c in _COLORS.values()]}
    IMAGES_EXPECTED = 'CamVid images such as train/0001TP_006690.jpg'

    def __init__(
        self,
        sequences: Sequence[str] | None = None,
        frames: tuple | None = None,
        every: float | None = None,
        leave_out_every: float | None = None,
        **kwargs,
    ) -> None:
        self._choice = (sequences, frames, every, leave_out_every)
        super().__init__(**kwargs)

    def filter_names(self, names: Sequence[str]) -> list[str]:
        """Keep the chosen frames of the chosen sequences."""
        return select_frames(names, *self._choice)


@DATASETS.register_module()
class CamVidDataset(_ChosenFrames, PairedSegDataset):
    """CamVid with labels.

    ``data_root/images/train/0001TP_006690.jpg`` is an image and
    ``data_root/labels/train/0001TP_006690.png`` its label file: class ids
    0..10 and 11 for void.

    Args:
        sequences, frames, every, leave_out_every: See :func:`select_frames`.
        kwargs: Further arguments of :class:`PairedSegDataset`.
    """

    LABEL_TABLE = 'camvid'
    IMG_SUFFIX = '.jpg'
    LABELS_EXPECTED = (
        'CamVid label files such as train/0001TP_006690.png, '
        'of class ids 0..10 and 11 for void'
    )


@DATASETS.register_module()
class CamVidImagesDataset(_ChosenFrames, UnlabeledImageDataset):
    """The images of CamVid, without their labels.

    Args:
        images: Folder of the images, relative to ``data_root``.
        sequences, frames, every, leave_out_every: See :func:`select_frames`.
        kwargs: Further arguments of :class:`UnlabeledImageDataset`.
    """

    def __init__(self, images: str = 'images', **kwargs) -> None:
        super().__init__(images=images, **kwargs)
