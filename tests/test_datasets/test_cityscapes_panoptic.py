from __future__ import annotations

import numpy as np
import pytest

from segda_mm.datasets import (
    CityscapesFineDataset,
    CityscapesPanopticDataset,
    MissingDataError,
)
from segda_mm.datasets.data_check import check_data, format_report
from segda_mm.datasets.formats.cityscapes_instances import instance_ids_from_codes
from segda_mm.minicity import write_cityscapes

TRAIN = [
    {'type': 'LoadImageFromFile'},
    {'type': 'LoadPanopticLabels'},
    {'type': 'RandomFlip', 'prob': 1.0},
    {'type': 'PanopticTargets', 'sigma': 1.0},
    {'type': 'PackPanopticInputs'},
]
TEST = [
    {'type': 'LoadImageFromFile'},
    {'type': 'LoadPanopticLabels'},
    {'type': 'PackPanopticInputs'},
]


@pytest.fixture
def root(tmp_path, write_image, write_instance_ids):
    """A Cityscapes tree: road, and a car and a bus of two pixels each."""
    root = tmp_path / 'cityscapes'
    ids = np.full((6, 8), 7)
    ids[2, 1:3] = 26000
    ids[4, 6:8] = 28003
    for split, city in (('train', 'aachen'), ('train', 'bochum'), ('val', 'frankfurt')):
        stem = f'{split}/{city}/{city}_000000_000019'
        write_image(root / f'leftImg8bit/{stem}_leftImg8bit.png')
        write_instance_ids(root / f'gtFine/{stem}_gtFine_instanceIds.png', ids)
    return root


def test_training_sample(root):
    dataset = CityscapesPanopticDataset(data_root=str(root), pipeline=TRAIN)
    assert len(dataset) == 2
    assert dataset.metainfo['thing_classes'] == list(range(11, 19))
    label_ids = dict(zip(dataset.metainfo['classes'], dataset.metainfo['label_ids']))
    assert (label_ids['road'], label_ids['train']) == (7, 31)
    sample = dataset[1]['data_samples']
    assert sample.img_path.endswith('bochum_000000_000019_leftImg8bit.png')
    # Flipped: the car is in columns 5 and 6, its center between them.
    codes = sample.gt_panoptic_seg.data
    assert (codes == 13001).nonzero().tolist() == [[0, 2, 5], [0, 2, 6]]
    assert (codes == 15004).nonzero().tolist() == [[0, 4, 0], [0, 4, 1]]
    assert sample.gt_offset.data[:, 2, 5].tolist() == [0, 0.5]
    assert (sample.gt_sem_seg.data == codes // 1000).all()


def test_testing_sample(root):
    dataset = CityscapesPanopticDataset(
        data_root=str(root),
        data_prefix={'img_path': 'leftImg8bit/val', 'seg_map_path': 'gtFine/val'},
        pipeline=TEST,
        test_mode=True,
    )
    (sample,) = (dataset[i]['data_samples'] for i in range(len(dataset)))
    assert set(sample.keys()) == {'gt_sem_seg', 'gt_panoptic_seg'}
    assert sample.gt_panoptic_seg.data.unique().tolist() == [0, 13001, 15004]


def test_part_of_the_classes_is_refused(root):
    with pytest.raises(ValueError, match='classes= out of metainfo='):
        CityscapesPanopticDataset(
            data_root=str(root), metainfo={'classes': ('road', 'car')}
        )


def test_absent_instance_files(root):
    for path in root.rglob('*_gtFine_instanceIds.png'):
        path.rename(path.with_name(path.name.replace('instanceIds', 'labelIds')))
    with pytest.raises(MissingDataError, match=r'instanceIds\.png.*gtFine_trainval'):
        CityscapesPanopticDataset(data_root=str(root))


def test_minicity_is_read_as_it_is(tmp_path):
    """Label ids and instance ids of a frame agree after loading."""
    write_cityscapes(tmp_path, train=2, val=0, seed=1, size=(128, 64))
    dataset = CityscapesPanopticDataset(data_root=str(tmp_path), pipeline=TEST)
    semantic = CityscapesFineDataset(
        data_root=str(tmp_path),
        pipeline=[
            {'type': 'LoadImageFromFile'},
            {'type': 'LoadLabelIds'},
            {'type': 'PackSegInputs'},
        ],
    )
    instances = set()
    for i in range(2):
        ours = dataset[i]['data_samples']
        theirs = semantic[i]['data_samples']
        assert (ours.gt_sem_seg.data == theirs.gt_sem_seg.data).all()
        codes = ours.gt_panoptic_seg.data
        instances.update(codes[codes % 1000 > 0].tolist())
    assert len(instances) > 5


@pytest.fixture
def pseudo(root, tmp_path, write_image, write_instance_ids):
    codes = np.full((6, 8), 255000)
    codes[1] = 13007
    codes[2] = 10000
    for frame in range(3):
        name = f'aachen/aachen_000000_{frame:06d}_leftImg8bit.png'
        write_image(root / 'leftImg8bit_sequence/train' / name, seed=frame)
        write_instance_ids(tmp_path / 'labels' / name, instance_ids_from_codes(codes))
    return {
        'type': 'PseudoLabeledDataset',
        'images': {
            'type': 'CityscapesSequenceDataset',
            'data_root': str(root),
            'images': 'leftImg8bit_sequence/train',
            'snippet_length': 3,
            'annotated_index': 1,
        },
        'labels': str(tmp_path / 'labels'),
        'metainfo': CityscapesPanopticDataset.METAINFO,
        'pipeline': TRAIN,
    }


def test_check_data(root, pseudo, write_instance_ids, write_label):
    dataset = {
        'type': 'CityscapesPanopticDataset',
        'data_root': str(root),
        'pipeline': TRAIN,
    }
    cfg = {
        'train_dataloader': {
            'dataset': {
                'type': 'ConcatDataset',
                'datasets': [dataset, pseudo],
            }
        }
    }
    fine, other = check_data(cfg)
    assert not fine.problems + other.problems
    assert fine.pixels[[0, 13, 15]].tolist() == [88, 4, 4]
    assert fine.images[13] == 2
    assert (other.void_pixels, other.pixels[10]) == (3 * 32, 3 * 8)
    assert 'car' in format_report(fine)

    fine_labels = sorted((root / 'gtFine/train').rglob('*_instanceIds.png'))
    write_instance_ids(fine_labels[0], 7, size=(9, 6))
    write_label(fine_labels[1], 7)
    pseudo_labels = sorted((root.parent / 'labels').rglob('*.png'))
    write_instance_ids(pseudo_labels[2], 45000)
    fine, other = check_data(cfg)
    assert '9x6' in str(fine.problems[0])
    assert '8-bit' in str(fine.problems[1])
    assert '[45000]' in str(other.problems[0])
    assert other.problems[0].name.endswith('000002_leftImg8bit.png')
