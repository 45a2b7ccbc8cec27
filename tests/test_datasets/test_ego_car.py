from __future__ import annotations

import pickle

import numpy as np
import pytest

from segda_mm.datasets import (
    CityscapesSequenceDataset,
    DataError,
    EgoCarRegions,
    MissingDataError,
    ego_car,
)
from segda_mm.minicity import render_frame, write_cityscapes

SHAPE = (6, 8)
CAMVID = {'pattern': r'(?P<snippet>[^/_]+)_'}


def bonnet(rows, columns=8, border=2):
    """Label ids with an ego car of the lowest ``rows`` above a border row."""
    ids = np.full(SHAPE, 7)
    ids[-1] = border
    ids[-1 - rows : -1, :columns] = 1
    return ids


def frame_name(frame, recording='ulm_000003'):
    return f'ulm/{recording}_{frame:06d}_leftImg8bit.png'


@pytest.fixture
def fine(tmp_path, write_label):
    """The label folder of a recording of two snippets without a gap."""
    folder = tmp_path / 'gtFine/train'
    for frame, rows in ((19, 1), (49, 3)):
        stem = f'ulm/ulm_000003_{frame:06d}_gtFine'
        write_label(folder / f'{stem}_labelIds.png', bonnet(rows))
        write_label(folder / f'{stem}_color.png', 1)
    return folder


def test_label_ids_and_instance_ids_mark_the_same(
    fine, tmp_path, write_image, write_instance_ids
):
    region = EgoCarRegions(str(fine)).region(frame_name(3), SHAPE)
    assert region.dtype == bool
    assert region.tolist() == (bonnet(1) == 1).tolist()
    both = EgoCarRegions(str(fine), ego_ids=[1, 2])
    assert both.region(frame_name(3), SHAPE).tolist() == (bonnet(1) < 7).tolist()

    ids = np.where(bonnet(3) == 7, 26001, bonnet(3))
    write_instance_ids(fine / 'ulm/ulm_000003_000049_gtFine_instanceIds.png', ids)
    write_image(tmp_path / 'leftImg8bit/train' / frame_name(49))
    panoptic = dict(type='CityscapesPanopticDataset', data_root=str(tmp_path))
    region = EgoCarRegions(panoptic).region(frame_name(30), SHAPE)
    assert region.tolist() == (bonnet(3) == 1).tolist()


def test_the_region_is_that_of_the_other_frames_of_minicity(tmp_path):
    write_cityscapes(tmp_path, train=1, val=0, seed=3, size=(128, 64))
    regions = EgoCarRegions(str(tmp_path / 'gtFine/train'))
    for step in (-19, 10):
        frame = render_frame('real', 3, 0, (128, 64), stream='train', step=step)
        own = frame.label_ids == 1
        assert own.any()
        name = f'birkenfeld/birkenfeld_000000_{19 + step:06d}_leftImg8bit.png'
        assert (regions.region(name, (64, 128)) == own).all()


def test_snippets_without_a_gap_as_the_data_set_splits_them(tmp_path, fine):
    folder = tmp_path / 'leftImg8bit_sequence/train'
    (folder / 'ulm').mkdir(parents=True)
    for frame in range(60):
        (folder / frame_name(frame)).touch()
    dataset = CityscapesSequenceDataset(data_root=str(tmp_path))
    regions = EgoCarRegions(str(fine))
    for index in range(60):
        info = dataset.get_data_info(index)
        by_name = regions.region(info['relative_path'], SHAPE)
        by_info = regions.region(info['relative_path'], SHAPE, info['annotated_path'])
        if index in (19, 49):
            assert by_name is None and by_info is None
        else:
            rows = 1 if index < 30 else 3
            assert by_name.sum() == by_info.sum() == 8 * rows
    # The data set knows better than the name.
    assert regions.region(frame_name(18), SHAPE, frame_name(49)).sum() == 24
    included = EgoCarRegions(str(fine), include_annotated=True)
    assert included.region(frame_name(49), SHAPE).sum() == 24


def test_a_snippet_without_annotated_frame_is_told_once(fine):
    regions = EgoCarRegions(str(fine))
    with pytest.warns(UserWarning) as told:
        for frame in (60, 61, 89):
            assert regions.region(frame_name(frame), SHAPE) is None
        # Only the data set can tell this one from the recording's others.
        name = frame_name(79)
        assert regions.region(name, SHAPE, name) is None
    messages = [str(warning.message) for warning in told]
    assert len(messages) == 2
    assert '3_000060_leftImg8bit.png' in messages[0]
    assert '3_000079' in messages[1]


@pytest.fixture
def dusk(tmp_path, write_image, write_label):
    """CamVid frames whose void is a bonnet, a blot and noise at the border."""
    root = tmp_path / 'camvid'
    for i, frame in enumerate((30, 60, 90)):
        ids = np.full(SHAPE, 3)
        ids[4:, 2:6] = 11  # the bonnet
        ids[0, 5] = 11  # a blot in all frames
        ids[5, i] = 11  # noise, elsewhere in every frame
        write_label(root / f'labels/train/0001TP_{frame:06d}.png', ids)
        write_image(root / f'images/train/0001TP_{frame:06d}.jpg')
    write_label(root / 'labels/train/0016E5_00030.png', 3)
    write_image(root / 'images/train/0016E5_00030.jpg')
    return root


def test_camvid_bonnet_is_void_in_all_frames_and_at_the_bottom(dusk):
    expected = np.zeros(SHAPE, dtype=bool)
    expected[4:, 2:6] = True
    settings = dict(ego_ids=(11,), snippets=CAMVID)
    for name in ('0001TP_000045.jpg', 'val/0001TP_000120.jpg'):
        regions = EgoCarRegions(str(dusk / 'labels'), touching_bottom=True, **settings)
        assert regions.region(name, SHAPE).tolist() == expected.tolist()
    everywhere = EgoCarRegions(str(dusk / 'labels'), **settings)
    expected[0, 5] = True
    assert everywhere.region(name, SHAPE).tolist() == expected.tolist()

    # An annotated frame is known, whatever folder the paths start from.
    for name in ('train/0001TP_000060.jpg', '0001TP_000060.jpg'):
        assert everywhere.region(name, SHAPE) is None
    assert not everywhere.region('0016E5_00031.jpg', SHAPE).any()
    with pytest.warns(UserWarning, match='0006R0'):
        assert everywhere.region('train/0006R0_f00931.jpg', SHAPE) is None
    # Frames that the pattern does not match are left alone.
    one = dict(settings, snippets={'pattern': '(?P<snippet>0001TP)_'})
    regions = EgoCarRegions(str(dusk / 'labels'), **one)
    assert regions.region('0016E5_00031.jpg', SHAPE) is None


def test_a_data_set_chooses_the_annotated_frames(dusk):
    camvid = dict(type='CamVidDataset', data_root=str(dusk))
    chosen = dict(camvid, sequences=['0001TP'], frames=(0, 1))
    load = [dict(type='LoadImageFromFile')]
    regions = EgoCarRegions(dict(chosen, pipeline=load), (11,), CAMVID)
    assert regions.region('train/0001TP_000030.jpg', SHAPE) is None
    # Only the first frame counts, with its noise, and the last is none of them.
    region = regions.region('train/0001TP_000090.jpg', SHAPE)
    assert region.sum() == 8 + 1 + 1
    assert region[5, 0]
    unlabelled = dict(camvid, type='CamVidImagesDataset')
    with pytest.raises(ValueError, match='CamVidImagesDataset.*label ids'):
        EgoCarRegions(unlabelled, snippets=CAMVID)


def test_regions_are_read_once_and_belong_to_the_caller(fine, monkeypatch):
    read = []
    reader = ego_car.read_label_ids
    monkeypatch.setattr(
        ego_car, 'read_label_ids', lambda file: read.append(file) or reader(file)
    )
    regions = EgoCarRegions(str(fine))
    for frame, area in ((0, 8), (30, 24), (1, 8), (31, 24)):
        region = regions.region(frame_name(frame), SHAPE)
        assert region.sum() == area
        region[:] = True
    assert len(read) == 2
    copy = pickle.loads(pickle.dumps(regions))
    assert copy.region(frame_name(31), SHAPE).sum() == 24


def test_wrong_files_are_named(tmp_path, fine, dusk, write_label):
    with pytest.raises(MissingDataError, match=r'nowhere.*_gtFine_labelIds\.png'):
        EgoCarRegions(str(tmp_path / 'nowhere'))
    with pytest.raises(DataError, match=r'holiday\.jpg.*CITY_SEQUENCE_FRAME'):
        EgoCarRegions(str(fine)).region('holiday.jpg', SHAPE)
    with pytest.raises(DataError, match=r'matched by .*0001TP.*4 annotated frames'):
        EgoCarRegions(str(fine), snippets={'pattern': '(?P<snippet>0001TP)_'})
    write_label(dusk / 'labels/train/0001TP_000120.png', 11, size=(4, 2))
    regions = EgoCarRegions(str(dusk / 'labels'), ego_ids=(11,), snippets=CAMVID)
    with pytest.raises(DataError, match=r'0001TP_000120\.png: is 4x2.*000030\.png'):
        regions.region('0001TP_000045.jpg', SHAPE)
    (fine / 'ulm/ulm_000003_000019_gtFine_labelIds.png').write_bytes(b'cut')
    with pytest.raises(DataError, match=r'000019_gtFine_labelIds\.png.*decoded'):
        EgoCarRegions(str(fine)).region(frame_name(0), SHAPE)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(ego_ids=()), 'ego_ids='),
        (dict(snippets={'rule': 'x'}), 'snippets='),
        (dict(snippets={'pattern': '(?P<snippet>'}), 'no regular expression'),
        (dict(snippets={'pattern': '0001TP'}), 'group named snippet'),
    ],
)
def test_wrong_settings_are_named(fine, settings, message):
    with pytest.raises(ValueError, match=message):
        EgoCarRegions(**{'annotated': str(fine), **settings})
