from __future__ import annotations

import pytest

from segda_mm.datasets import DataError, GTA5Dataset
from segda_mm.datasets.formats.subsets import read_name_list
from segda_mm.datasets.paper_subsets import PAPER_SIZES, write_paper_subsets

SIZES = {'gta5_train': 4, 'cityscapes_train': 3, 'cityscapes_val': 2}


def test_lists_and_settings_choose_the_same(
    gta5_root, cityscapes_root, tmp_path, names_of
):
    assert list(PAPER_SIZES.values()) == [500, 500, 250]
    out = tmp_path / 'lists'
    written = write_paper_subsets(out, str(gta5_root), str(cityscapes_root), 5, SIZES)
    assert written == [str(out / f'{key}_{size}.txt') for key, size in SIZES.items()]
    assert [len(read_name_list(path)) for path in written] == [4, 3, 2]
    gta5 = {'data_root': str(gta5_root)}
    by_list = GTA5Dataset(subset=written[0], **gta5)
    by_seed = GTA5Dataset(subset={'size': 4, 'seed': 5}, **gta5)
    assert names_of(by_list) == names_of(by_seed) == read_name_list(written[0])


def test_excluded_images_are_not_drawn_and_too_few_are_told(gta5_root, tmp_path):
    exclude = tmp_path / 'exclude.txt'
    exclude.write_text('00003.png\n00005.png\n')
    with pytest.raises(DataError, match='500.*6 images'):
        write_paper_subsets(tmp_path / 'lists', gta5=str(gta5_root))
    assert not (tmp_path / 'lists').exists()
    (path,) = write_paper_subsets(
        tmp_path / 'lists', str(gta5_root), sizes=SIZES, exclude=str(exclude)
    )
    assert read_name_list(path) == [f'0000{i}.png' for i in (1, 2, 4, 6)]
