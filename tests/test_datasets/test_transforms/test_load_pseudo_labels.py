from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from segda_mm.datasets import DataError, LoadPseudoLabels


@pytest.fixture
def results(tmp_path):
    (tmp_path / 'city').mkdir()
    Image.fromarray(np.array([[0, 18], [255, 2]], dtype=np.uint8)).save(
        tmp_path / 'city/frame.png'
    )
    return {
        'img': np.zeros((2, 2, 3), np.uint8),
        'relative_path': 'city/frame.jpg',
        'pseudo_label_dir': str(tmp_path),
        'seg_fields': [],
    }


def test_reads_the_png_of_the_same_name(results):
    results = LoadPseudoLabels()(results)
    assert results['gt_seg_map'].tolist() == [[0, 18], [255, 2]]
    assert results['seg_fields'] == ['gt_seg_map']


def test_void_without_pseudo_labels(results):
    results['pseudo_label_dir'] = None
    labels = LoadPseudoLabels()(results)['gt_seg_map']
    assert labels.dtype == np.uint8
    assert labels.tolist() == [[255, 255], [255, 255]]


def test_missing_file_is_named(results):
    results['relative_path'] = 'city/other.jpg'
    with pytest.raises(DataError, match=r'city/other\.png.*Remove .* made again'):
        LoadPseudoLabels()(results)


def test_other_size_is_named(results):
    results['img'] = np.zeros((4, 6, 3), np.uint8)
    with pytest.raises(DataError, match=r'frame\.png.*2x2.*6x4.*before every resize'):
        LoadPseudoLabels()(results)
