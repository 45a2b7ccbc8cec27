from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from segda_mm.datasets import (
    DataError,
    LoadLabelIds,
    LoadPanopticLabels,
    LoadPseudoLabels,
)


@pytest.fixture
def sample(tmp_path):
    """Make what a loader gets of an image of 2x2 pixels with some label."""

    def make(label, **keys):
        label = np.array(label)
        kind = np.uint16 if label.max() > 255 else np.uint8
        Image.fromarray(label.astype(kind)).save(tmp_path / 'label.png')
        return {
            'img_path': 'image.jpg',
            'relative_path': 'city/image.jpg',
            'seg_map_path': str(tmp_path / 'label.png'),
            'ori_shape': (2, 2),
            'seg_fields': [],
            **keys,
        }

    return make


LABEL_IDS = [[7, 8], [1, 33]]
INSTANCE_IDS = [[7, 26001], [29004, 24]]
THINGS = list(range(11, 19))


def test_label_ids_by_the_table_of_the_data_set_or_an_own_one(sample):
    results = LoadLabelIds()(sample(LABEL_IDS, label_table='cityscapes'))
    assert results['gt_seg_map'].dtype == np.uint8
    assert results['gt_seg_map'].tolist() == [[0, 1], [255, 18]]
    assert results['seg_fields'] == ['gt_seg_map']
    own = LoadLabelIds(table={7: 3, 8: 4, 1: 255, 33: 0})
    results = own(sample(LABEL_IDS, label_table='cityscapes'))
    assert results['gt_seg_map'].tolist() == [[3, 4], [255, 0]]
    with pytest.raises(ValueError, match="'LoadLabelIds', table="):
        LoadLabelIds()(sample(LABEL_IDS))
    # The size of the file counts, not that of the resized image.
    results = sample(LABEL_IDS, img=np.zeros((5, 5, 3)), img_shape=(5, 5))
    loader = LoadLabelIds('cityscapes')
    assert loader(results)['gt_seg_map'].shape == (2, 2)
    results.update(ori_shape=(5, 4))
    with pytest.raises(DataError, match='2x2.*4x5') as caught:
        loader(results)
    assert caught.value.name == 'city/image.jpg'


@pytest.mark.parametrize(
    ('size', 'scale'), [((8, 16), (8, 4)), ((9, 17), (6, 4)), ((4, 6), (12, 8))]
)
def test_labels_and_predictions_of_a_test_get_another_size(sample, size, scale):
    ids = np.random.default_rng(0).integers(0, 19, size)
    results = sample(ids, ori_shape=size, label_table='train_id')
    results = LoadLabelIds(scale=scale)(results)
    resized = Image.fromarray(ids.astype(np.uint8)).resize(scale, Image.NEAREST)
    np.testing.assert_array_equal(results['gt_seg_map'], np.asarray(resized))
    # What mmseg brings a prediction to.
    assert results['ori_shape'] == scale[::-1]


def test_panoptic_codes_and_train_ids(sample):
    results = LoadPanopticLabels()(sample(INSTANCE_IDS, thing_classes=THINGS))
    assert results['gt_panoptic_seg'].tolist() == [[0, 13002], [255001, 11000]]
    assert results['gt_seg_map'].dtype == np.uint8
    assert results['gt_seg_map'].tolist() == [[0, 13], [255, 11]]
    assert results['seg_fields'] == ['gt_panoptic_seg', 'gt_seg_map']


def test_other_files_and_data_sets_than_panoptic_ones_are_refused(sample):
    load = LoadPanopticLabels()
    with pytest.raises(DataError, match=r'label\.png.*_gtFine_instanceIds\.png'):
        load(sample(LABEL_IDS, thing_classes=THINGS))
    with pytest.raises(ValueError, match='CityscapesPanopticDataset'):
        load(sample(INSTANCE_IDS))


def test_pseudo_labels(tmp_path):
    (tmp_path / 'city').mkdir()
    labels = np.array([[0, 18], [255, 2]], dtype=np.uint8)
    Image.fromarray(labels).save(tmp_path / 'city/frame.png')

    def load(name='city/frame.jpg', folder=str(tmp_path), size=(2, 2)):
        results = {
            'img': np.zeros((*size, 3), np.uint8),
            'relative_path': name,
            'pseudo_label_dir': folder,
            'seg_fields': [],
        }
        return LoadPseudoLabels()(results)['gt_seg_map']

    assert load().tolist() == labels.tolist()
    void = load(folder=None)
    assert void.dtype == np.uint8
    assert void.tolist() == [[255, 255], [255, 255]]
    with pytest.raises(DataError, match=r'city/other\.png.*Remove .* made again'):
        load('city/other.jpg')
    with pytest.raises(DataError, match=r'frame\.png.*2x2.*6x4.*before every resize'):
        load(size=(4, 6))
