"""The instance-id files of Cityscapes, and what they are as panoptic codes.

A pixel of ``*_gtFine_instanceIds.png`` holds ``label id * 1000 + k``, k from 0,
where it belongs to one instance, and else its label id: stuff, or a group of
things that were not told apart.

Source: Cordts et al., "The Cityscapes Dataset", CVPR 2016.
"""

from __future__ import annotations

import os

import numpy as np

from segda_mm.errors import DataError
from segda_mm.ops.panoptic_codes import (
    IGNORED_INSTANCE_CODE,
    LABEL_DIVISOR,
    VOID_CLASS,
    VOID_CODE,
)

from .cityscapes_labels import IGNORE_INDEX, LABEL_IDS, LABELS, THING_CLASSES
from .label_files import decode_labels

_UNKNOWN = -1


def _code_table() -> np.ndarray:
    """Code of every 16-bit value, int32 (65536,); -1 is unknown."""
    codes = np.full(2**16, _UNKNOWN, dtype=np.int32)
    # A code keeps 0 for the group, so the last of 1000 instances has no room.
    instances = np.arange(LABEL_DIVISOR - 1)
    for label in LABELS:
        label_id = label.id % 256
        codes[label_id] = label.train_id * LABEL_DIVISOR
        if label.has_instances:
            codes[label_id * LABEL_DIVISOR + instances] = (
                IGNORED_INSTANCE_CODE
                if label.train_id == IGNORE_INDEX
                else label.train_id * LABEL_DIVISOR + 1 + instances
            )
    return codes


def _instance_id_table() -> np.ndarray:
    """Value of every code, uint16 (256000,)."""
    ids = np.zeros((VOID_CLASS + 1, LABEL_DIVISOR), dtype=np.uint16)
    ids[: len(LABEL_IDS), 0] = LABEL_IDS
    for train_id in THING_CLASSES:
        first = LABEL_IDS[train_id] * LABEL_DIVISOR
        ids[train_id, 1:] = first + np.arange(LABEL_DIVISOR - 1)
    return ids.ravel()


_CODES = _code_table()
_INSTANCE_IDS = _instance_id_table()


def read_instance_ids(path: str | os.PathLike) -> np.ndarray:
    """Read a 16-bit instance-id file, integers (H, W) in 0..65535.

    Raises:
        DataError: The file cannot be decoded, or is no single-channel 16-bit PNG.
    """
    mode, ids = decode_labels(path, 'instance-id file')
    if mode in ('L', 'P'):
        raise DataError(
            'is an 8-bit file of label ids, in which instances are not told apart',
            file=path,
            remedy='Use the 16-bit files, *_gtFine_instanceIds.png',
        )
    # Pillow names 16-bit grey "I;16", older versions "I".
    if mode not in ('I', 'I;16', 'I;16B'):
        raise DataError(
            f'is a {mode!r} image, but instance-id files are single-channel '
            '16-bit PNGs',
            file=path,
            remedy='Use *_gtFine_instanceIds.png, not the colour files',
        )
    return ids


def codes_from_instance_ids(
    ids: np.ndarray, file: str | os.PathLike = ''
) -> np.ndarray:
    """Turn the values of an instance-id file into panoptic codes.

    Instance k of the file becomes instance k + 1 of the code, because 0 is the
    group there. Classes that are not evaluated become void (255000), their single
    instances (caravan 29xxx, trailer 30xxx) 255001.

    Args:
        ids: Integers (H, W) in 0..65535.
        file: The file that they come from, for the message.

    Returns:
        int32 (H, W).

    Raises:
        DataError: A value has no label of Cityscapes, is an instance of a class
            without instances, or instance 1000 of a class.
    """
    codes = _CODES[ids]
    unknown = codes == _UNKNOWN
    if unknown.any():
        raise DataError(
            f'has the instance ids {np.unique(ids[unknown])[:10].tolist()} in '
            f'{int(unknown.sum())} pixels; Cityscapes has label ids 0..33, and '
            'label id * 1000 + 0..998 for persons, riders and vehicles',
            file=file,
            remedy='Write the file again, or list its image in exclude=',
        )
    return codes


def instance_ids_from_codes(codes: np.ndarray) -> np.ndarray:
    """The inverse of :func:`codes_from_instance_ids` for the 19 classes, uint16.

    All that is void becomes 0, unlabeled.

    Raises:
        ValueError: A code is of another class, or an instance of stuff.
    """
    ids = _INSTANCE_IDS[codes]
    lost = (ids == 0) & (codes < VOID_CODE)
    if lost.any():
        raise ValueError(
            f'the codes {np.unique(codes[lost])[:10].tolist()} are none of the '
            '19 classes of Cityscapes, or instances of a class without any'
        )
    return ids
