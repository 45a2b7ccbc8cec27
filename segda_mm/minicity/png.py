"""Writes PNG files whole or not at all."""

import numpy as np
from PIL import Image

from segda_mm.datasets.formats.cityscapes_labels import LABELS
from segda_mm.files import atomic_file


def label_palette():
    """Colours of the label ids as PIL wants them: 768 values, 0..255.

    Ids without a label of the table are black.
    """
    palette = np.zeros((256, 3), np.uint8)
    for label in LABELS:
        if label.id >= 0:
            palette[label.id] = label.color
    return palette.reshape(-1).tolist()


def write_png(path, array, palette=None):
    """Write an array as a PNG file through a temporary neighbour.

    Args:
        path (str or Path): The file; its folder is made when missing.
        array (np.ndarray): (H, W) uint8 or uint16, (H, W, 3) or (H, W, 4)
            uint8.
        palette (list, optional): 768 values; makes a palette file of an
            (H, W) uint8 array.
    """
    picture = Image.fromarray(array)
    if palette is not None:
        picture.putpalette(palette)
    with atomic_file(path) as unfinished:
        # Level 1: half the time of the default for 10 % more bytes.
        picture.save(unfinished, format='PNG', compress_level=1)
