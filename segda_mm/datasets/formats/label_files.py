"""Reading label-id PNGs and the tables that turn ids into train ids."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from segda_mm.errors import DataError

from .cityscapes_labels import CLASSES, IGNORE_INDEX, LABELS
from .images import open_image


class LabelTable(NamedTuple):
    """How ids become train ids, uint8 (256,), and which are ``known``, bool (256,)."""

    name: str
    train_ids: np.ndarray
    known: np.ndarray


def _table_from_mapping(name: str, mapping: Mapping) -> LabelTable:
    train_ids = np.full(256, IGNORE_INDEX, dtype=np.uint8)
    known = np.zeros(256, dtype=bool)
    for key, train_id in mapping.items():
        label_id = int(key)
        in_range = -1 <= label_id <= 255 and 0 <= int(train_id) <= 255
        if not in_range or known[label_id % 256]:
            raise ValueError(
                f'label table {name!r}: {key!r}: {train_id!r} is out of range or given '
                'twice; ids go from -1 (stored as 255) to 255, train ids from 0 to 255'
            )
        train_ids[label_id % 256], known[label_id % 256] = int(train_id), True
    return LabelTable(name, train_ids, known)


#: Classes of Cityscapes that SYNTHIA has, in the order of their train ids, by its ids.
_SYNTHIA = dict(
    zip(
        (3, 4, 2, 21, 5, 7, 15, 9, 6, 1, 10, 17, 8, 19, 12, 11),
        (name for name in CLASSES if name not in ('terrain', 'truck', 'train')),
    )
)
SYNTHIA_CLASSES = tuple(_SYNTHIA.values())

_CITYSCAPES = {label.id: label.train_id for label in LABELS}
_TABLES = {
    name: _table_from_mapping(name, mapping)
    for name, mapping in {
        'cityscapes': _CITYSCAPES,
        # GTA5 stores the licence plate as 34 where Cityscapes has -1.
        'gta5': {**_CITYSCAPES, 34: IGNORE_INDEX},
        'synthia': {
            **dict.fromkeys(range(23), IGNORE_INDEX),
            **{label_id: train_id for train_id, label_id in enumerate(_SYNTHIA)},
        },
        'camvid': {**{i: i for i in range(11)}, 11: IGNORE_INDEX},
        'train_id': {**{i: i for i in range(len(CLASSES))}, 255: IGNORE_INDEX},
    }.items()
}


def label_table(table: str | Mapping[int, int]) -> LabelTable:
    """Look up a label table by name, or make one from ``{id: train_id}``.

    Args:
        table: ``'cityscapes'`` (ids 0..33 and -1), ``'gta5'`` (the same and 34),
            ``'synthia'`` (ids 0..22, to its 16 classes), ``'camvid'`` (classes 0..10,
            void 11), ``'train_id'`` (0..18 and 255 as
            they are), or a mapping of all ids that may occur to train ids.
    """
    if not isinstance(table, str):
        return _table_from_mapping('own', table)
    if table not in _TABLES:
        raise ValueError(
            f'label table {table!r} is unknown; choose one of {sorted(_TABLES)} or '
            'give a dict of {id in the file: train id}'
        )
    return _TABLES[table]


#: Formats of label files: they give back every value that was written.
LOSSLESS_FORMATS = ('PNG', 'BMP', 'PPM', 'TIFF')

_LOSSY_COMPRESSIONS = ('jpeg', 'tiff_jpeg', 'webp')


@contextmanager
def opened_labels(path: str | os.PathLike, what: str) -> Iterator[Image.Image]:
    """Open a file of labels, called ``what``, of one of the ``LOSSLESS_FORMATS``.

    Raises:
        DataError: It is absent, cannot be decoded, or is of a format that may change
            values, such as JPEG or GIF, which sorts its colours.
    """
    remedy = 'Download or write it again, or list its image in exclude='
    try:
        with open_image(path) as image:
            kind = str(image.format)
            compression = str(image.info.get('compression'))
            if kind == 'TIFF' and compression in _LOSSY_COMPRESSIONS:
                kind = f'{kind} with {compression} compression'
            if kind not in LOSSLESS_FORMATS:
                remedy = 'Write the labels anew from their source, as PNG'
                raise DataError(
                    f'{what} is a {kind} file, which changes the ids when it is '
                    f'written; label files are {", ".join(LOSSLESS_FORMATS)}',
                    file=path,
                    remedy=remedy,
                )
            yield image
            return
    except DataError:
        raise
    except FileNotFoundError:
        problem = 'does not exist'
    except (OSError, SyntaxError, ValueError) as error:
        problem = f'cannot be decoded ({error})'
    raise DataError(f'{what} {problem}', file=path, remedy=remedy)


def decode_labels(path: str | os.PathLike, what: str) -> tuple[str, np.ndarray]:
    """Decode what :func:`opened_labels` opens: its mode in Pillow and its values."""
    with opened_labels(path, what) as image:
        return image.mode, np.asarray(image)


def read_label_ids(path: str | os.PathLike) -> np.ndarray:
    """Read a single-channel 8-bit label file, uint8 (H, W); palette indices stay."""
    mode, ids = decode_labels(path, 'label file')
    if mode not in ('L', 'P'):
        raise DataError(
            f'is a {mode!r} image, but label files are single-channel 8-bit '
            'files of class ids',
            file=path,
            remedy='Use the id files, not the colour or instance files '
            '(Cityscapes: *_gtFine_labelIds.png)',
        )
    return ids


def read_synthia_ids(path: str | os.PathLike) -> np.ndarray:
    """Read the first of the three 16-bit channels of a file of SYNTHIA, uint8 (H, W).

    Raises:
        DataError: It has no such channels, or as :func:`decode_labels`.
    """
    with opened_labels(path, 'label file') as image:
        image.load()
        # Pillow has no mode for them, and keeps the high bytes alone.
        pixels = cv2.imread(os.fspath(path), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3:
        raise DataError(
            'has no channels of 16 bits, of which the first holds the class ids of '
            'SYNTHIA',
            file=path,
            remedy='Use the files of GT/LABELS as they are published, or name the '
            'table of what the files hold: LoadLabelIds(table={id: train_id})',
        )
    # OpenCV has the first channel last; no table knows 254.
    return np.minimum(pixels[..., 2], 254).astype(np.uint8)


def to_train_ids(
    ids: np.ndarray,
    table: LabelTable,
    file: str | os.PathLike,
    label_map: Mapping[int, int] | None = None,
) -> np.ndarray:
    """Turn label ids, uint8 (H, W), into train ids of the same shape; void is 255.

    ``label_map`` is ``{train id: new train id}`` for part of the classes.

    Raises:
        DataError: An id of ``file`` is not in the table.
    """
    # OpenCV looks up several times faster than NumPy.
    unknown = cv2.LUT(ids, (~table.known).astype(np.uint8))
    if unknown.any():
        unknown = unknown.astype(bool)
        raise DataError(
            f'has ids {np.unique(ids[unknown]).tolist()} in {int(unknown.sum())} '
            f'pixels, which the label table {table.name!r} does not know',
            file=file,
            remedy=f'Choose their table, LoadLabelIds(table={" | ".join(_TABLES)} | '
            '{id: train_id}), or list the image in exclude=',
        )
    train_ids = table.train_ids
    if label_map:
        renamed = np.arange(256, dtype=np.uint8)
        renamed[list(label_map)] = list(label_map.values())
        train_ids = renamed[train_ids]
    return cv2.LUT(ids, train_ids)
