"""Both worlds and their labels side by side, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .labels import PALETTE
from .renderer import render_frame

_GAP = 6


def contact_sheet(
    game: Sequence[int],
    real: Sequence[int],
    seed: int = 0,
    size: tuple[int, int] = (512, 256),
) -> np.ndarray:
    """Put pictures of both worlds beside their label colours.

    A row is: game picture, its labels, real picture, its labels.

    Args:
        game: Indices of GTA5 images, 0 is ``00001.png``.
        real: As many indices of Cityscapes training images.
        seed: Of the world.
        size: (width, height) of one picture.

    Returns:
        (rows * H + gaps, 4 * W + gaps, 3) uint8 RGB.

    Raises:
        ValueError: There are not as many indices of both, or none.
    """
    if len(game) != len(real) or not game:
        raise ValueError(
            f'There are {len(game)} game and {len(real)} real pictures; a '
            'sheet needs the same number of both, at least one.'
        )
    rows = []
    for pair in zip(game, real):
        cells = []
        for look, stream, index in zip(('game', 'real'), ('gta5', 'train'), pair):
            frame = render_frame(look, seed, index, size, stream)
            cells += [frame.image, PALETTE[frame.label_ids]]
        rows.append(_join(cells, axis=1))
    return _join(rows, axis=0)


def _join(pictures: Sequence[np.ndarray], axis: int) -> np.ndarray:
    shape = list(pictures[0].shape)
    shape[axis] = _GAP
    gap = np.full(shape, 255, np.uint8)
    parts = [part for picture in pictures for part in (gap, picture)]
    return np.concatenate(parts[1:], axis=axis)
