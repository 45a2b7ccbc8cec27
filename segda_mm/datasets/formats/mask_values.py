"""What the values, or the colours, of somebody's mask files stand for."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from segda_mm.errors import DataError

from .cityscapes_labels import IGNORE_INDEX
from .images import open_image
from .label_files import decode_labels

#: Modes of Pillow, of masks that hold numbers.
_ID_MODES = ('1', 'L', 'P', 'I', 'I;16', 'I;16B')
_COLOR_MODES = ('RGB', 'RGBA')

#: Train id of what is in no table; so there can be 254 classes.
_UNKNOWN = 254

_WAYS = ('ids', 'colors')


def read_mask_values(path: str | os.PathLike) -> tuple[str, np.ndarray]:
    """Decode a mask file: its mode in Pillow, and numbers (H, W) or RGB (H, W, 3).

    DataError where it is none of the kinds that hold classes.
    """
    mode, values = decode_labels(path, 'label file')
    if mode in _ID_MODES:
        return mode, values.astype(np.uint8) if mode == '1' else values
    if mode in _COLOR_MODES:
        return mode, values[..., :3]
    raise DataError(
        f'is a {mode!r} image, but masks hold one number a pixel (8 or 16 bits, or a '
        'palette) or RGB colours',
        file=path,
        remedy='Convert it to a PNG of one of these kinds',
    )


def codes_of(colors: np.ndarray) -> np.ndarray:
    """RGB (..., 3) uint8 as one number a pixel, int32 (...)."""
    red, green, blue = (colors[..., channel].astype(np.int32) for channel in range(3))
    return red << 16 | green << 8 | blue


class MaskTable:
    """Turns mask files into train ids.

    A palette file is read as numbers or by the colours of its palette, whichever are
    in the table; where both are and they disagree, ``read`` has to say.

    Args:
        ids: Pairs of number in the file and train id.
        colors: Pairs of RGB colour and train id; None: the classes have no colours.
        read: ``'ids'``, ``'colors'``, or None to go by the kind of each file.
    """

    def __init__(
        self, ids: list, colors: list | None = None, read: str | None = None
    ) -> None:
        self.read = read
        self._ids = np.full(1 << 16, _UNKNOWN, np.uint8)
        self._ids[[255, 65535]] = IGNORE_INDEX
        for value, train_id in ids:
            self._ids[value] = train_id
        self._colors = None
        if colors:
            self._colors = np.full(1 << 24, _UNKNOWN, np.uint8)
            for color, train_id in colors:
                self._colors[codes_of(np.array(color))] = train_id

    def train_ids(self, path: str | os.PathLike) -> np.ndarray:
        """Read a mask file: train ids, uint8 (H, W), 255 where void.

        Raises:
            DataError: It has a number or colour that is in no table, or cannot be read.
        """
        mode, values = read_mask_values(path)
        if mode in _COLOR_MODES:
            return self._known(self._by_color(codes_of(values), path), values, path)
        by_id = self._ids[np.clip(values, 0, 65534) if mode == 'I' else values]
        if mode != 'P' or self.read == 'ids' or self._colors is None:
            return self._known(by_id, values, path)
        with open_image(path) as image:
            palette = np.array(image.getpalette('RGB'), np.uint8).reshape(-1, 3)
        palette = np.concatenate((palette, np.zeros((256 - len(palette), 3), np.uint8)))
        by_color = self._by_color(codes_of(palette), path)[values]
        if self.read == 'colors':
            return self._known(by_color, palette[values], path)
        if (by_color == _UNKNOWN).any() or (by_color == by_id).all():
            return self._known(by_id, values, path)
        if (by_id == _UNKNOWN).any():
            return by_color
        raise DataError(
            'is a palette file whose numbers and whose colours are both known classes, '
            'but not the same ones',
            file=path,
            remedy="Say which counts, with read='ids' or read='colors' beside images= "
            'and labels= in the config',
        )

    def _by_color(self, codes: np.ndarray, path: str | os.PathLike) -> np.ndarray:
        if self._colors is None or self.read == 'ids':
            raise DataError(
                'is an RGB image, but '
                + ('read= is ids' if self.read else 'the classes have no colours'),
                file=path,
                remedy='Give them in the config: classes=dict(road=[128, 64, 128], '
                '...), or use masks of one number a pixel',
            )
        return self._colors[codes]

    def _known(
        self, train_ids: np.ndarray, values: np.ndarray, path: str | os.PathLike
    ) -> np.ndarray:
        unknown = train_ids == _UNKNOWN
        if not unknown.any():
            return train_ids
        wrong = values[unknown]
        found, counts = np.unique(wrong, return_counts=True, axis=0)
        order = np.argsort(-counts)[:5]
        listed = ', '.join(
            f'{found[i].tolist()} ({counts[i]} pixels)' for i in order.tolist()
        )
        kind, more = (
            ('colours', 'void=[[0, 0, 0]]') if wrong.ndim > 1 else ('ids', 'void=[0]')
        )
        rest = f' and {len(found) - 5} more' if len(found) > 5 else ''
        raise DataError(
            f'has {kind} that are no class of the config: {listed}{rest}',
            file=path,
            remedy=f'Add them to classes= or ids= of the config, or beside images= and '
            f'labels= as {more}',
        )


def mask_table(config: Mapping) -> MaskTable:
    """The table of a config, ``dict(ids=..., colors=..., read=...)``; made once."""
    return _made(json.dumps(config))


@lru_cache(maxsize=8)
def _made(config: str) -> MaskTable:
    return MaskTable(**json.loads(config))
