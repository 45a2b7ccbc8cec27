from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from segda_mm.datasets import DataError, LoadLabelIds


@pytest.fixture
def results(tmp_path):
    ids = np.array([[7, 8], [1, 33]], dtype=np.uint8)
    Image.fromarray(ids).save(tmp_path / 'label.png')
    return {
        'img_path': 'image.png',
        'relative_path': 'image.png',
        'seg_map_path': str(tmp_path / 'label.png'),
        'ori_shape': (2, 2),
        'label_table': 'cityscapes',
        'seg_fields': [],
    }


def test_takes_the_table_of_the_data_set(results):
    results = LoadLabelIds()(results)
    assert results['gt_seg_map'].dtype == np.uint8
    assert results['gt_seg_map'].tolist() == [[0, 1], [255, 18]]
    assert results['seg_fields'] == ['gt_seg_map']


def test_own_table_wins(results):
    results = LoadLabelIds(table={7: 3, 8: 4, 1: 255, 33: 0})(results)
    assert results['gt_seg_map'].tolist() == [[3, 4], [255, 0]]


def test_unknown_ids_are_refused(results):
    with pytest.raises(DataError, match=r'label\.png.*\[33\].*camvid'):
        LoadLabelIds(table='camvid')(results)


def test_size_of_the_file_counts_not_that_of_the_resized_image(results):
    results.update(img=np.zeros((5, 5, 3)), img_shape=(5, 5))
    assert LoadLabelIds()(results)['gt_seg_map'].shape == (2, 2)
    results.update(ori_shape=(5, 5))
    with pytest.raises(DataError, match='2x2.*5x5'):
        LoadLabelIds()(results)


def test_other_data_sets_must_name_a_table(results):
    del results['label_table']
    with pytest.raises(ValueError, match="'LoadLabelIds', table="):
        LoadLabelIds()(results)


def test_repr():
    assert repr(LoadLabelIds()) == 'LoadLabelIds(table=None)'
    assert repr(LoadLabelIds('gta5')) == "LoadLabelIds(table='gta5')"
