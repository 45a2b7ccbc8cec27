from __future__ import annotations

from contextlib import suppress

import pytest

from segda_mm.datasets import CamVidDataset, CamVidImagesDataset, DataError
from segda_mm.datasets.camvid import select_frames

DUSK = [f'train/0001TP_{i:06d}.jpg' for i in (30, 60, 90, 120, 150)]


def test_labels_and_void(camvid_root, write_label, names_of):
    write_label(camvid_root / 'labels/train/0001TP_000030.png', 11)
    dataset = CamVidDataset(
        data_root=str(camvid_root),
        sequences=['0001TP'],
        pipeline=[{'type': 'LoadImageFromFile'}, {'type': 'LoadLabelIds'}],
    )
    # The fixture numbers the labels in the order 90, 120, 60, 30, 150.
    labels = [int(dataset[i]['gt_seg_map'].max()) for i in range(5)]
    assert labels == [255, 2, 0, 1, 4]
    assert len(dataset.metainfo['classes']) == 11
    assert dataset.metainfo['classes'][8] == 'Car'
    assert dataset.metainfo['palette'][8] == [64, 0, 128]
    assert len(CamVidDataset(data_root=str(camvid_root))) == 9
    prefix = {'img_path': 'images/val', 'seg_map_path': 'labels/val'}
    dataset = CamVidDataset(data_root=str(camvid_root), data_prefix=prefix)
    assert names_of(dataset) == ['0016E5_00045.jpg', '0016E5_00075.jpg']


@pytest.mark.parametrize('dataset_type', [CamVidDataset, CamVidImagesDataset])
def test_parts_of_a_sequence_in_time_order(camvid_root, dataset_type, names_of):
    def build(frames, sequence='0001TP'):
        root = str(camvid_root)
        return names_of(
            dataset_type(data_root=root, sequences=[sequence], frames=frames)
        )

    assert build(None) == DUSK
    assert build((0.0, 0.5)) == build((0, 0.5)) == DUSK[:3]
    assert build((0.5, 1.0)) == build((3, 99)) == DUSK[3:]
    assert build((1, 3)) == DUSK[1:3]
    # In time order the frames of 0016E5 are 30 and 60 (train), 45 and 75 (val).
    expected = ['train/0016E5_00030.jpg', 'val/0016E5_00045.jpg']
    assert build((0.0, 0.5), '0016E5') == expected
    day = ['a/0006R0_f00930.jpg', '0006R0_f00090.jpg']
    assert select_frames(day, None, (0, 1)) == day[1:]


@pytest.mark.parametrize('length', [1, 4, 7, 11])
def test_fractions_neither_overlap_nor_leave_out(length):
    names = [f'0001TP_{i:06d}.jpg' for i in range(length)]
    parts = []
    for start, stop in ((0.0, 0.3), (0.3, 0.5), (0.5, 1.0)):
        with suppress(DataError):
            parts += select_frames(names, ['0001TP'], (start, stop))
    assert parts == names


def test_wrong_settings_are_named(camvid_root):
    root = str(camvid_root)
    with pytest.raises(DataError, match=r"'0006R0'.*0001TP.*sequences="):
        CamVidDataset(data_root=root, sequences=['0006R0'])
    with pytest.raises(DataError, match=r'\(7, 9\).*0001TP'):
        CamVidDataset(data_root=root, sequences=['0001TP'], frames=(7, 9))
    with pytest.raises(ValueError, match='fractions'):
        CamVidDataset(data_root=root, frames=(0.5, 1.5))
    (camvid_root / 'images/train/holiday.jpg').touch()
    with pytest.raises(DataError, match=r'holiday\.jpg'):
        CamVidDataset(data_root=root)


def test_labelled_frames_between_unlabelled_ones():
    names = [f'{name}_{i:05d}.jpg' for name in ('0001TP', '0016E5') for i in range(7)]
    labelled = select_frames(names, every=3)
    assert [name[7:12] for name in labelled] == ['00000', '00003', '00006'] * 2
    others = select_frames(names, leave_out_every=3)
    assert sorted(labelled + others) == names
    part = select_frames(names, ['0001TP'], (2, 6), every=2)
    assert [name[7:12] for name in part] == ['00002', '00004']
    for spacing, numbers in ((2.5, [0, 2, 5]), (1, list(range(7))), (3.5, [0, 3])):
        spaced = select_frames(names, ['0001TP'], every=spacing)
        assert [int(name[7:12]) for name in spaced] == numbers
    assert len(select_frames(names, leave_out_every=2.5)) == 2 * 4
    with pytest.raises(ValueError, match='every=0 must be at least 1'):
        select_frames(names, every=0)
    with pytest.raises(DataError, match='leaves nothing'):
        select_frames(names, leave_out_every=1)
