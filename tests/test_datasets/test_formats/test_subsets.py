from __future__ import annotations

import pytest

from segda_mm.datasets import DataError
from segda_mm.datasets.formats.subsets import (
    choose,
    draw_share,
    read_name_list,
    seeded_subset,
)

NAMES = [f'{i:05d}.png' for i in range(40)]


def test_seeded_subset_depends_on_names_and_seed_alone():
    subset = seeded_subset(NAMES, 10, seed=3)
    assert subset == sorted(subset)
    assert len(set(subset)) == 10
    assert subset == seeded_subset(reversed(NAMES), 10, seed=3)
    assert subset != seeded_subset(NAMES, 10, seed=4)
    assert set(seeded_subset(NAMES, 5, seed=3)) < set(subset)
    assert seeded_subset(NAMES, 40, seed=3) == NAMES


def test_seeded_subset_stays_the_same_for_ever():
    # Results are compared across versions: the draw must not change.
    drawn = seeded_subset(NAMES, 4, seed=0)
    assert drawn == [f'{i:05d}.png' for i in (4, 11, 24, 27)]


def test_list_files_must_exist_and_name_nothing_twice(tmp_path):
    with pytest.raises(DataError, match=r'absent\.txt.*write-exclude'):
        read_name_list(tmp_path / 'absent.txt')
    path = tmp_path / 'twice.txt'
    path.write_text('a.png\nb.png\na.png\n')
    with pytest.raises(DataError, match=r"twice\.txt.*'a\.png'"):
        read_name_list(path)
    path.write_bytes('Straße.png'.encode('latin-1'))
    with pytest.raises(DataError, match=r'twice\.txt.*no text in UTF-8'):
        read_name_list(path)


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16'])
@pytest.mark.parametrize('end', ['\n', '\r\n'])
def test_marks_of_encodings_and_numbers_are_no_comments(tmp_path, encoding, end):
    path = tmp_path / 'list.txt'
    lines = ['# a comment', 'Straße.png', '#', '', ' #1.jpg', '#2 night.jpg']
    path.write_bytes(end.join(lines).encode(encoding))
    assert read_name_list(path) == ['Straße.png', '#1.jpg', '#2 night.jpg']


def test_choose_says_what_to_do(tmp_path):
    with pytest.warns(UserWarning, match='folder holds 40 images.*subset of 50'):
        assert choose(NAMES, {'size': 50, 'seed': 0}, 'folder') == NAMES
    with pytest.raises(ValueError, match='dict\\(size'):
        choose(NAMES, {'length': 5}, 'folder')
    path = tmp_path / 'list.txt'
    path.write_text('99999.png\n')
    with pytest.raises(DataError, match=r"list\.txt.*folder.*'99999\.png'"):
        choose(NAMES, path, 'folder')


def test_a_share_is_drawn_by_seed_and_contains_smaller_ones():
    assert draw_share(NAMES, None) == NAMES
    assert draw_share(NAMES, dict(fraction=1.0, seed=5)) == NAMES
    half = draw_share(NAMES, dict(fraction=0.5, seed=5))
    assert half == seeded_subset(NAMES, 20, seed=5)
    assert set(draw_share(NAMES, dict(fraction=0.1, seed=5))) < set(half)
    assert len(draw_share(NAMES, dict(fraction=0.001, seed=5))) == 1
    for share in (dict(fraction=0, seed=0), dict(fraction=40, seed=0), dict(seed=0)):
        with pytest.raises(ValueError, match='share= must be'):
            draw_share(NAMES, share)
