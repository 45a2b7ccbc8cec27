from __future__ import annotations

import numpy as np
import pytest

from segda_mm.datasets import (
    CityscapesExtraDataset,
    CityscapesFineDataset,
    CityscapesPanopticDataset,
    CityscapesSequenceDataset,
    DataError,
    MissingDataError,
)

LOAD_PANOPTIC = [
    {'type': 'LoadImageFromFile'},
    {'type': 'LoadPanopticLabels'},
    {'type': 'PackPanopticInputs'},
]
VAL = {'img_path': 'leftImg8bit/val', 'seg_map_path': 'gtFine/val'}


def test_other_splits(cityscapes_root, tmp_path, write_image, names_of):
    root = str(cityscapes_root)
    assert names_of(CityscapesFineDataset(data_root=root, data_prefix=VAL)) == [
        f'frankfurt/frankfurt_00000{i}_000019_leftImg8bit.png' for i in range(3)
    ]
    absent = {**VAL, 'seg_map_path': 'gtFine/test'}
    with pytest.raises(MissingDataError, match=r'gtFine/test.*gtFine_trainvaltest'):
        CityscapesFineDataset(data_root=root, data_prefix=absent)
    name = 'troisdorf/troisdorf_000000_000073_leftImg8bit.png'
    write_image(tmp_path / 'leftImg8bit/train_extra' / name)
    extra = CityscapesExtraDataset(data_root=str(tmp_path))
    assert names_of(extra) == [name]
    assert extra.metainfo['classes'][13] == 'car'


@pytest.fixture
def instances(tmp_path, write_image, write_instance_ids):
    """A Cityscapes tree: road, and a car and a bus of two pixels each."""
    ids = np.full((6, 8), 7)
    ids[2, 1:3] = 26000
    ids[4, 6:8] = 28003
    for city in ('aachen', 'bochum'):
        stem = f'train/{city}/{city}_000000_000019'
        write_image(tmp_path / f'leftImg8bit/{stem}_leftImg8bit.png')
        write_instance_ids(tmp_path / f'gtFine/{stem}_gtFine_instanceIds.png', ids)
    return tmp_path


def test_panoptic_samples(instances):
    train = [
        *LOAD_PANOPTIC[:2],
        {'type': 'RandomFlip', 'prob': 1.0},
        {'type': 'PanopticTargets', 'sigma': 1.0},
        LOAD_PANOPTIC[2],
    ]
    dataset = CityscapesPanopticDataset(data_root=str(instances), pipeline=train)
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


def test_part_of_the_classes_is_refused(instances):
    with pytest.raises(ValueError, match='classes= out of metainfo='):
        CityscapesPanopticDataset(
            data_root=str(instances), metainfo={'classes': ('road', 'car')}
        )


def make_frames(root, city, sequence, frames):
    folder = root / 'leftImg8bit_sequence/train' / city
    folder.mkdir(parents=True, exist_ok=True)
    for frame in frames:
        (folder / f'{city}_{sequence:06d}_{frame:06d}_leftImg8bit.png').touch()


def infos_of(root):
    dataset = CityscapesSequenceDataset(data_root=str(root))
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    return {info['relative_path']: info for info in infos}


def test_snippets_of_aachen_and_of_long_recordings(tmp_path):
    make_frames(tmp_path, 'aachen', 0, range(30))
    # One long recording: a snippet, the next without a gap, another after one.
    make_frames(tmp_path, 'hamburg', 0, [*range(100, 160), *range(300, 330)])
    infos = infos_of(tmp_path)
    assert len(infos) == 120
    annotated = {
        'aachen/aachen_000000_000007': 'aachen/aachen_000000_000019',
        'hamburg/hamburg_000000_000129': 'hamburg/hamburg_000000_000119',
        'hamburg/hamburg_000000_000130': 'hamburg/hamburg_000000_000149',
        'hamburg/hamburg_000000_000319': 'hamburg/hamburg_000000_000319',
    }
    for name, expected in annotated.items():
        info = infos[f'{name}_leftImg8bit.png']
        assert info['annotated_path'] == f'{expected}_leftImg8bit.png'


def test_frames_of_no_snippet_are_named(tmp_path):
    make_frames(tmp_path, 'aachen', 0, [*range(12), *range(13, 30)])
    with pytest.raises(DataError, match=r'aachen_000000_000000.*12 consecutive'):
        infos_of(tmp_path)
    (tmp_path / 'leftImg8bit_sequence/train/holiday_leftImg8bit.png').touch()
    with pytest.raises(DataError, match='holiday_leftImg8bit'):
        infos_of(tmp_path)
