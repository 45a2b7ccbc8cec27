from __future__ import annotations

import pytest

from segda_mm.datasets import CityscapesSequenceDataset, DataError


def make_frames(root, city, sequence, frames):
    folder = root / 'leftImg8bit_sequence/train' / city
    folder.mkdir(parents=True, exist_ok=True)
    for frame in frames:
        (folder / f'{city}_{sequence:06d}_{frame:06d}_leftImg8bit.png').touch()


def infos_of(dataset):
    return {
        info['relative_path']: info
        for info in (dataset.get_data_info(i) for i in range(len(dataset)))
    }


def test_snippets_of_aachen_and_of_long_recordings(tmp_path):
    make_frames(tmp_path, 'aachen', 0, range(30))
    make_frames(tmp_path, 'aachen', 1, range(30))
    # One long recording: a snippet, the next without a gap, another after one.
    make_frames(tmp_path, 'hamburg', 0, [*range(100, 160), *range(300, 330)])
    infos = infos_of(CityscapesSequenceDataset(data_root=str(tmp_path)))
    assert len(infos) == 150

    annotated = [name for name, info in infos.items() if info['is_annotated']]
    assert annotated == [
        'aachen/aachen_000000_000019_leftImg8bit.png',
        'aachen/aachen_000001_000019_leftImg8bit.png',
        'hamburg/hamburg_000000_000119_leftImg8bit.png',
        'hamburg/hamburg_000000_000149_leftImg8bit.png',
        'hamburg/hamburg_000000_000319_leftImg8bit.png',
    ]
    info = infos['hamburg/hamburg_000000_000135_leftImg8bit.png']
    assert info['snippet'] == 'hamburg/hamburg_000000_000130'
    assert info['frame_index'] == 5
    assert info['annotated_path'] == annotated[3]
    assert len({info['snippet'] for info in infos.values()}) == 5


def test_incomplete_snippet_is_named(tmp_path):
    make_frames(tmp_path, 'aachen', 0, [*range(12), *range(13, 30)])
    with pytest.raises(DataError, match=r'aachen_000000_000000.*12 consecutive'):
        CityscapesSequenceDataset(data_root=str(tmp_path))


def test_other_files_are_named(tmp_path):
    folder = tmp_path / 'leftImg8bit_sequence/train'
    folder.mkdir(parents=True)
    (folder / 'holiday_leftImg8bit.png').touch()
    with pytest.raises(DataError, match='holiday_leftImg8bit'):
        CityscapesSequenceDataset(data_root=str(tmp_path))


def test_other_snippets(tmp_path):
    make_frames(tmp_path, 'ulm', 3, range(7, 13))
    infos = infos_of(
        CityscapesSequenceDataset(
            data_root=str(tmp_path), snippet_length=3, annotated_index=1
        )
    )
    assert [info['frame_index'] for info in infos.values()] == [0, 1, 2, 0, 1, 2]
    with pytest.raises(ValueError, match='annotated_index=3'):
        CityscapesSequenceDataset(
            data_root=str(tmp_path), snippet_length=3, annotated_index=3
        )


def test_a_subset_keeps_the_indices_in_the_snippet(tmp_path):
    make_frames(tmp_path, 'aachen', 0, range(30))
    dataset = CityscapesSequenceDataset(
        data_root=str(tmp_path), subset={'size': 4, 'seed': 0}
    )
    infos = infos_of(dataset)
    assert len(infos) == 4
    for name, info in infos.items():
        assert f'_{info["frame_index"]:06d}_leftImg8bit' in name
