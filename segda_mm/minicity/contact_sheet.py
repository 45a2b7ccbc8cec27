"""Both worlds and their labels side by side, for people to look at."""

import numpy as np

from .png import label_palette
from .renderer import render_frame

_GAP = 6


def contact_sheet(game, real, seed=0, size=(512, 256)):
    """Put pictures of both worlds beside their label colours.

    A row is: game picture, its labels, real picture, its labels.

    Args:
        game (list[int]): Indices of GTA5 images, 0 is ``00001.png``.
        real (list[int]): As many indices of Cityscapes training images.
        seed (int): Of the world. Default: 0.
        size (tuple): (width, height) of one picture. Default: (512, 256).

    Returns:
        np.ndarray: (rows * H + gaps, 4 * W + gaps, 3) uint8 RGB.

    Raises:
        ValueError: If there are not as many indices of both, or none.
    """
    if len(game) != len(real) or not game:
        raise ValueError(
            f'There are {len(game)} game and {len(real)} real pictures; a '
            'sheet needs the same number of both, at least one.'
        )
    palette = np.reshape(label_palette(), (256, 3)).astype(np.uint8)
    rows = []
    for pair in zip(game, real):
        cells = []
        for look, stream, index in zip(('game', 'real'), ('gta5', 'train'), pair):
            frame = render_frame(look, seed, index, size, stream)
            cells += [frame.image, palette[frame.label_ids]]
        rows.append(_join(cells, axis=1))
    return _join(rows, axis=0)


def _join(pictures, axis):
    shape = list(pictures[0].shape)
    shape[axis] = _GAP
    gap = np.full(shape, 255, np.uint8)
    parts = [pictures[0]]
    for picture in pictures[1:]:
        parts += [gap, picture]
    return np.concatenate(parts, axis=axis)
