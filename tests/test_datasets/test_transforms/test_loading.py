from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from segda_mm.datasets import DataError, LoadPanopticLabels
from segda_mm.datasets.formats.panoptic_files import write_panoptic_png


@pytest.fixture
def results(tmp_path):
    ids = np.array([[7, 26001], [29004, 24]], dtype=np.uint16)
    Image.fromarray(ids).save(tmp_path / 'label.png')
    return {
        'img_path': 'image.png',
        'relative_path': 'city/image.png',
        'seg_map_path': str(tmp_path / 'label.png'),
        'ori_shape': (2, 2),
        'thing_classes': list(range(11, 19)),
        'seg_fields': [],
    }


def test_codes_and_train_ids(results):
    results = LoadPanopticLabels()(results)
    assert results['gt_panoptic_seg'].dtype == np.int32
    assert results['gt_panoptic_seg'].tolist() == [[0, 13002], [255001, 11000]]
    assert results['gt_seg_map'].dtype == np.uint8
    assert results['gt_seg_map'].tolist() == [[0, 13], [255, 11]]
    assert results['seg_fields'] == ['gt_panoptic_seg', 'gt_seg_map']


def test_coco_panoptic_files(results, tmp_path):
    ids = np.array([[70000, 5], [256, 0]], dtype=np.int32)
    write_panoptic_png(tmp_path / 'label.png', ids)
    results['class_of_category'] = {1: 0, 2: 13}
    results['segments_info'] = [
        {'id': 5, 'category_id': 2, 'iscrowd': 1},
        {'id': 70000, 'category_id': 2, 'iscrowd': 0},
        {'id': 256, 'category_id': 1, 'iscrowd': 0},
    ]
    codes = LoadPanopticLabels()(results)['gt_panoptic_seg']
    assert codes.tolist() == [[13001, 13000], [0, 255000]]


def test_size_of_the_file_counts_not_that_of_the_resized_image(results):
    results.update(img=np.zeros((5, 5, 3)), img_shape=(5, 5))
    assert LoadPanopticLabels()(results)['gt_panoptic_seg'].shape == (2, 2)
    results.update(ori_shape=(5, 4))
    with pytest.raises(DataError, match='2x2.*4x5') as caught:
        LoadPanopticLabels()(results)
    assert caught.value.name == 'city/image.png'


def test_label_id_files_are_refused(results, tmp_path):
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / 'label.png')
    with pytest.raises(DataError, match=r'label\.png.*_gtFine_instanceIds\.png'):
        LoadPanopticLabels()(results)


def test_unknown_ids_are_named_with_their_file(results, tmp_path):
    Image.fromarray(np.full((2, 2), 7003, np.uint16)).save(tmp_path / 'label.png')
    with pytest.raises(DataError, match=r'label\.png.*\[7003\] in 4 pixels'):
        LoadPanopticLabels()(results)


def test_data_sets_without_instances_are_refused(results):
    del results['thing_classes']
    with pytest.raises(ValueError, match='CityscapesPanopticDataset'):
        LoadPanopticLabels()(results)
