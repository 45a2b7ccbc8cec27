from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from segda_mm.datasets import DataError
from segda_mm.datasets.formats.label_files import (
    label_table,
    read_label_ids,
    to_train_ids,
)


def test_palette_and_grey_files_give_indices(tmp_path, write_label):
    ids = np.arange(48).reshape(6, 8)
    np.testing.assert_array_equal(
        read_label_ids(write_label(tmp_path / 'palette.png', ids)), ids
    )
    Image.fromarray(ids.astype(np.uint8)).save(tmp_path / 'grey.png')
    np.testing.assert_array_equal(read_label_ids(tmp_path / 'grey.png'), ids)


def test_colour_and_16_bit_files_are_refused(tmp_path):
    for mode in ('RGB', 'I;16'):
        Image.new(mode, (8, 6)).save(tmp_path / 'wrong.png')
        with pytest.raises(DataError, match=r'wrong\.png.*labelIds'):
            read_label_ids(tmp_path / 'wrong.png')


def test_broken_and_absent_files_are_named(tmp_path, write_label):
    path = write_label(tmp_path / 'broken.png', np.arange(48).reshape(6, 8))
    for content in (path.read_bytes()[:-30], b'no image', b''):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r'broken\.png.*decoded.*exclude='):
            read_label_ids(path)
    path.unlink()
    with pytest.raises(DataError, match=r'broken\.png.*does not exist.*exclude='):
        read_label_ids(path)


@pytest.mark.parametrize(
    ('table', 'ids', 'train_ids'),
    [
        ('cityscapes', [0, 7, 8, 26, 29, 33, 255], [255, 0, 1, 13, 255, 18, 255]),
        ('gta5', [7, 33, 34], [0, 18, 255]),
        ('synthia', [0, 3, 1, 11, 16, 21], [255, 0, 9, 15, 255, 3]),
        ('camvid', [0, 5, 10, 11], [0, 5, 10, 255]),
        ('train_id', [0, 18, 255], [0, 18, 255]),
        ({-1: 255, 3: 0, '4': 1}, [3, 4, 255], [0, 1, 255]),
    ],
)
def test_tables(table, ids, train_ids):
    ids = np.array([ids], dtype=np.uint8)
    found = to_train_ids(ids, label_table(table), 'a.png')
    assert found.dtype == np.uint8
    assert found.tolist() == [train_ids]


def test_unknown_ids_are_named():
    for table, wrong in (('cityscapes', 34), ('camvid', 12), ('train_id', 19)):
        ids = np.array([[0, wrong, wrong]], dtype=np.uint8)
        with pytest.raises(DataError, match=rf'a\.png.*\[{wrong}\] in 2 pixels'):
            to_train_ids(ids, label_table(table), 'a.png')


def test_wrong_tables():
    with pytest.raises(ValueError, match="'cityscape'.*camvid"):
        label_table('cityscape')
    for table in ({256: 0}, {0: 256}, {-1: 0, 255: 5}):
        with pytest.raises(ValueError, match='out of range or given twice'):
            label_table(table)
