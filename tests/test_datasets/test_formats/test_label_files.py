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


@pytest.mark.parametrize(
    'pixels', [np.zeros((6, 8, 3), np.uint8), np.zeros((6, 8), np.uint16)]
)
def test_colour_and_16_bit_files_are_refused(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / 'wrong.png')
    with pytest.raises(DataError, match=r'wrong\.png.*labelIds'):
        read_label_ids(tmp_path / 'wrong.png')


@pytest.mark.parametrize('content', [b'', b'no image', 'cut', None])
def test_broken_and_absent_files_are_named(tmp_path, write_label, content):
    path = write_label(tmp_path / 'broken.png', np.arange(48).reshape(6, 8))
    if content is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-30] if content == 'cut' else content)
    with pytest.raises(DataError, match=r'broken\.png.*exclude=') as raised:
        read_label_ids(path)
    assert ('does not exist' in str(raised.value)) == (content is None)


@pytest.mark.parametrize(
    ('table', 'ids', 'train_ids'),
    [
        ('cityscapes', [0, 7, 8, 26, 29, 33, 255], [255, 0, 1, 13, 255, 18, 255]),
        ('gta5', [7, 33, 34], [0, 18, 255]),
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


@pytest.mark.parametrize(
    ('table', 'wrong'), [('cityscapes', 34), ('camvid', 12), ('train_id', 19)]
)
def test_unknown_ids_are_named(table, wrong):
    ids = np.array([[0, wrong, wrong]], dtype=np.uint8)
    with pytest.raises(DataError, match=rf'a\.png.*\[{wrong}\] in 2 pixels'):
        to_train_ids(ids, label_table(table), 'a.png')


def test_wrong_tables():
    with pytest.raises(ValueError, match="'cityscape'.*camvid"):
        label_table('cityscape')
    with pytest.raises(ValueError, match='256'):
        label_table({256: 0})
    with pytest.raises(ValueError, match='255 is given twice; -1 is stored as 255'):
        label_table({-1: 0, 255: 5})
