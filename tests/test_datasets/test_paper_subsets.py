from __future__ import annotations

import pytest

from segda_mm.datasets import CityscapesFineDataset, DataError, GTA5Dataset
from segda_mm.datasets.formats.subsets import read_name_list
from segda_mm.datasets.paper_subsets import PAPER_SIZES, write_paper_subsets

SIZES = {'gta5_train': 4, 'cityscapes_train': 3, 'cityscapes_val': 2}


def names_of(dataset):
    return [dataset.get_data_info(i)['relative_path'] for i in range(len(dataset))]


def test_sizes_are_those_of_the_paper():
    assert PAPER_SIZES == {
        'gta5_train': 500,
        'cityscapes_train': 500,
        'cityscapes_val': 250,
    }


def test_lists_and_settings_choose_the_same(gta5_root, cityscapes_root, tmp_path):
    written = write_paper_subsets(
        tmp_path / 'lists', str(gta5_root), str(cityscapes_root), 5, SIZES
    )
    assert [path.rsplit('/', 1)[1] for path in written] == [
        'gta5_train_4.txt',
        'cityscapes_train_3.txt',
        'cityscapes_val_2.txt',
    ]
    assert [len(read_name_list(path)) for path in written] == [4, 3, 2]
    gta5 = {'data_root': str(gta5_root)}
    by_list = GTA5Dataset(subset=written[0], **gta5)
    by_seed = GTA5Dataset(subset={'size': 4, 'seed': 5}, **gta5)
    assert names_of(by_list) == names_of(by_seed) == read_name_list(written[0])
    val = CityscapesFineDataset(
        data_root=str(cityscapes_root),
        data_prefix={'img_path': 'leftImg8bit/val', 'seg_map_path': 'gtFine/val'},
        subset=written[2],
    )
    assert len(val) == 2


def test_excluded_images_are_not_drawn(gta5_root, tmp_path):
    (tmp_path / 'exclude.txt').write_text('00003.png\n00005.png\n')
    (path,) = write_paper_subsets(
        tmp_path,
        gta5=str(gta5_root),
        sizes=SIZES,
        exclude=str(tmp_path / 'exclude.txt'),
    )
    assert read_name_list(path) == [f'0000{i}.png' for i in (1, 2, 4, 6)]


def test_too_few_images(gta5_root, tmp_path):
    with pytest.raises(DataError, match='500.*6 images'):
        write_paper_subsets(tmp_path, gta5=str(gta5_root))
    assert not list(tmp_path.glob('*.txt'))
