from __future__ import annotations

import pytest

from segda_mm.datasets import CamVidDataset, CamVidImagesDataset, DataError
from segda_mm.datasets.camvid import select_frames

DUSK = [f'train/0001TP_{i:06d}.jpg' for i in (30, 60, 90, 120, 150)]
# Later frames of this sequence lie in the other folder.
DAY = ['train/0016E5_00030.jpg', 'val/0016E5_00045.jpg', 'train/0016E5_00060.jpg']


@pytest.fixture
def root(tmp_path, write_image, write_label):
    for i, name in enumerate([*DUSK, *DAY]):
        write_image(tmp_path / 'images' / name, seed=i)
        label = (tmp_path / 'labels' / name).with_suffix('.png')
        write_label(label, 11 if i == 3 else i)
    return str(tmp_path)


def test_labels_and_void(root, names_of):
    dataset = CamVidDataset(
        data_root=root,
        sequences=['0001TP'],
        pipeline=[{'type': 'LoadImageFromFile'}, {'type': 'LoadLabelIds'}],
    )
    labels = [int(dataset[i]['gt_seg_map'].max()) for i in range(5)]
    assert labels == [0, 1, 2, 255, 4]
    assert len(dataset.metainfo['classes']) == 11
    assert dataset.metainfo['classes'][8] == 'Car'
    assert dataset.metainfo['palette'][8] == [64, 0, 128]
    prefix = {'img_path': 'images/val', 'seg_map_path': 'labels/val'}
    dataset = CamVidDataset(data_root=root, data_prefix=prefix)
    assert names_of(dataset) == ['0016E5_00045.jpg']
    images = CamVidImagesDataset(data_root=root, frames=(0, 0.5))
    assert names_of(images) == [*DUSK[:3], *DAY[:2:2], DAY[1]]


def test_parts_of_a_sequence_in_time_order():
    names = [*DAY, *DUSK[::-1]]
    for settings, expected in (
        (dict(), [*DUSK, DAY[0], DAY[2], DAY[1]]),
        (dict(sequences=['0001TP'], frames=(0.0, 0.5)), DUSK[:3]),
        (dict(sequences=['0001TP'], frames=(0.5, 1.0)), DUSK[3:]),
        (dict(sequences=['0016E5'], frames=(0.0, 0.5)), DAY[:2]),
        (dict(sequences=['0001TP'], every=3), DUSK[::3]),
        (dict(sequences=['0001TP'], frames=(0.4, 1.0), every=2), DUSK[2::2]),
        (dict(every=2), [*DUSK[::2], DAY[0], DAY[2]]),
        (dict(leave_out_every=2), [*DUSK[1::2], DAY[1]]),
    ):
        assert select_frames(names, **settings) == expected


def test_wrong_settings_are_named(root):
    for settings, error, message in (
        (dict(sequences=['0006R0']), DataError, r"'0006R0'.*0001TP.*sequences="),
        (dict(leave_out_every=1), DataError, "leaves nothing .*'0001TP'"),
        (dict(frames=(0.5, 1.5)), ValueError, 'fractions'),
    ):
        with pytest.raises(error, match=message):
            CamVidDataset(data_root=root, **settings)
    with pytest.raises(DataError, match=r'holiday\.jpg'):
        select_frames(['train/holiday.jpg'])
