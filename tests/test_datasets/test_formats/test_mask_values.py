"""Masks hold numbers, colours or palettes; what is no class is told."""

import numpy as np
import pytest
from PIL import Image

from segda_mm.datasets.formats.mask_values import mask_table
from segda_mm.errors import DataError

ROAD, CAR, SKY = [128, 64, 128], [0, 0, 142], [70, 130, 180]
COLORS = [[ROAD, 0], [CAR, 1], [SKY, 2], [[0, 0, 0], 255]]
PLAIN = dict(ids=[[0, 0], [1, 1], [2, 2]], colors=COLORS, read=None)
LABELS = np.array([[0, 1, 2, 255]], np.uint8)
PAINTED = np.array([[ROAD, CAR, SKY, [0, 0, 0]]], np.uint8)


def write(path, values, mode=None, palette=None):
    image = Image.fromarray(values) if mode is None else Image.fromarray(values, mode)
    if palette is not None:
        image.putpalette([v for color in palette for v in color])
    image.save(path)
    return path


@pytest.fixture
def read(tmp_path):
    def read(values, table=PLAIN, mode=None, palette=None):
        path = write(tmp_path / 'm.png', values, mode, palette)
        return mask_table(table).train_ids(path).tolist()

    return read


@pytest.mark.parametrize(
    ('values', 'table'),
    [
        (LABELS, PLAIN),
        (PAINTED, PLAIN),
        # Transparency does not matter.
        (np.concatenate((PAINTED, PAINTED[..., :1]), axis=-1), PLAIN),
        (LABELS.astype(np.uint16) * 257, dict(ids=[[0, 0], [257, 1], [514, 2]])),
        (
            np.array([[7, 1000, 40000, 65535]], np.uint16),
            dict(ids=[[7, 0], [1000, 1], [40000, 2]]),
        ),
        (
            np.array([[7, 26, 27, 3]], np.uint8),
            dict(ids=[[7, 0], [26, 1], [27, 2], [3, 255]]),
        ),
    ],
)
def test_every_kind_of_mask_gives_train_ids(read, values, table):
    assert read(values, table) == LABELS.tolist()


def test_a_binary_mask(read):
    table = dict(ids=[[0, 0], [1, 1]])
    assert read(np.array([[True, False]]), table) == [[1, 0]]


def test_a_palette_counts_by_number_or_by_color(read):
    indices = np.array([[0, 1, 2]], np.uint8)
    # Numbers that are classes; other colours, as a viewer's.
    assert read(indices, palette=[[9, 9, 9], [8, 8, 8], [7, 7, 7]]) == [[0, 1, 2]]
    # Both say the same.
    assert read(indices, palette=[ROAD, CAR, SKY]) == [[0, 1, 2]]
    # Numbers that an editor chose, beyond the classes.
    assert read(indices + 1, palette=[SKY, SKY, CAR, ROAD]) == [[2, 1, 0]]
    swapped = dict(palette=[SKY, CAR, ROAD])
    with pytest.raises(DataError, match="m.png.*numbers and whose colours.*read='ids'"):
        read(indices, **swapped)
    assert read(indices, {**PLAIN, 'read': 'ids'}, **swapped) == [[0, 1, 2]]
    assert read(indices, {**PLAIN, 'read': 'colors'}, **swapped) == [[2, 1, 0]]


@pytest.mark.parametrize(
    ('values', 'table', 'words'),
    [
        (LABELS + 3, PLAIN, r'ids .*: 3 \(1 pixels\), 4 .*void=\[0\]'),
        (
            np.array([[1, 70000]], np.int32),
            PLAIN,
            r'ids that are no class of the config: 70000 \(1 pixels\)',
        ),
        (PAINTED + 1, PLAIN, r'colours .*\[129, 65, 129\] \(1 pixels\).*void=\[\[0'),
        (
            PAINTED,
            dict(ids=[[0, 0]], colors=None),
            'RGB image, but the classes have no',
        ),
        (PAINTED, {**PLAIN, 'read': 'ids'}, 'RGB image, but read= is ids'),
        (np.zeros((1, 2), np.float32), PLAIN, "is a 'F' image, but masks hold"),
    ],
)
def test_what_is_no_class_is_told(tmp_path, values, table, words):
    path = write(tmp_path / 'm.tif', values)
    with pytest.raises(DataError, match=f'm.tif.*{words}'):
        mask_table(table).train_ids(path)


def test_many_unknown_values_are_counted_and_lossy_files_refused(tmp_path):
    noisy = np.random.default_rng(0).integers(0, 255, (16, 16, 3)).astype(np.uint8)
    for name, words in (('m.png', r'and \d+ more'), ('m.jpg', 'is a JPEG file')):
        with pytest.raises(DataError, match=words):
            mask_table(PLAIN).train_ids(write(tmp_path / name, noisy))
