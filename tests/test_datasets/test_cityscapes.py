from __future__ import annotations

import pytest

from segda_mm.datasets import (
    CityscapesExtraDataset,
    CityscapesFineDataset,
    CityscapesPanopticDataset,
    CityscapesSequenceDataset,
    DataError,
    MissingDataError,
)

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


def test_panoptic_samples(instances_root):
    train = [
        {'type': 'LoadImageFromFile'},
        {'type': 'LoadPanopticLabels'},
        {'type': 'RandomFlip', 'prob': 1.0},
        {'type': 'PanopticTargets', 'sigma': 1.0},
        {'type': 'PackPanopticInputs'},
    ]
    root = str(instances_root)
    dataset = CityscapesPanopticDataset(data_root=root, pipeline=train)
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
    with pytest.raises(ValueError, match='classes= out of metainfo='):
        CityscapesPanopticDataset(data_root=root, metainfo={'classes': ('road',)})


def make_frames(root, city, frames):
    folder = root / 'leftImg8bit_sequence/train' / city
    folder.mkdir(parents=True)
    for frame in frames:
        (folder / f'{city}_000000_{frame:06d}_leftImg8bit.png').touch()


def annotated_of(root):
    dataset = CityscapesSequenceDataset(data_root=str(root))
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    return {info['relative_path']: info['annotated_path'] for info in infos}


def test_snippets_of_aachen_and_of_long_recordings(tmp_path):
    make_frames(tmp_path, 'aachen', range(30))
    # One long recording: a snippet, the next without a gap, another after one.
    make_frames(tmp_path, 'hamburg', [*range(100, 160), *range(300, 330)])
    annotated = annotated_of(tmp_path)
    assert len(annotated) == 120
    for city, frame, expected in (
        ('aachen', 7, 19),
        ('hamburg', 129, 119),
        ('hamburg', 130, 149),
        ('hamburg', 319, 319),
    ):
        name = f'{city}/{city}_000000_{{:06d}}_leftImg8bit.png'
        assert annotated[name.format(frame)] == name.format(expected)


def test_frames_of_no_snippet_are_named(tmp_path):
    make_frames(tmp_path, 'aachen', [*range(12), *range(13, 30)])
    with pytest.raises(DataError, match=r'aachen_000000_000000.*12 consecutive'):
        annotated_of(tmp_path)
    (tmp_path / 'leftImg8bit_sequence/train/holiday_leftImg8bit.png').touch()
    with pytest.raises(DataError, match='holiday_leftImg8bit'):
        annotated_of(tmp_path)
