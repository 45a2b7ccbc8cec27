from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from segda_mm.datasets import CityscapesPanopticDataset
from segda_mm.datasets.data_check import (
    check_data,
    dataset_configs,
    format_report,
    write_exclude,
)

SUPERVISED = [
    {'type': 'LoadImageFromFile'},
    {'type': 'LoadLabelIds'},
    {'type': 'PackSegInputs'},
]


@pytest.fixture
def cfg(gta5_root, cityscapes_root):
    """An adaptation config: GTA5 to Cityscapes, validated on Cityscapes."""
    gta5, cityscapes = (
        {'data_root': str(gta5_root)},
        {'data_root': str(cityscapes_root)},
    )
    prefix = {'img_path': 'leftImg8bit/val', 'seg_map_path': 'gtFine/val'}
    val = {**cityscapes, 'type': 'CityscapesFineDataset', 'data_prefix': prefix}
    val['pipeline'] = SUPERVISED
    pair = {
        'type': 'DomainPairDataset',
        'source': {**gta5, 'type': 'GTA5Dataset', 'pipeline': SUPERVISED},
        'target': {**cityscapes, 'type': 'CityscapesImagesDataset'},
    }
    train = {'type': 'CounterSeededDataset', 'dataset': pair}
    return {
        'train_dataloader': {'dataset': train},
        'val_dataloader': {'dataset': val},
        'test_dataloader': {'dataset': dict(val, test_mode=True)},
    }


def test_data_sets_are_found_inside_wrappers(cfg):
    pair = 'train_dataloader.dataset.dataset'
    assert list(dataset_configs(cfg, ('train',))) == [f'{pair}.source']
    assert list(dataset_configs(cfg, ('target',))) == [f'{pair}.target']
    # val and test are the same images: they are checked once.
    assert list(dataset_configs(cfg, ('train', 'target', 'val', 'test'))) == [
        f'{pair}.source',
        f'{pair}.target',
        'val_dataloader.dataset',
    ]
    parts = [{'type': 'A'}, {'type': 'B'}]
    concat = {'train_dataloader': {'dataset': {'type': 'C', 'datasets': parts}}}
    assert list(dataset_configs(concat, ('train',))) == [
        'train_dataloader.dataset.datasets[0]',
        'train_dataloader.dataset.datasets[1]',
    ]
    with pytest.raises(ValueError, match='no data set for target'):
        dataset_configs(concat, ('target',))


def test_clean_data(cfg):
    seen = []
    source, target, val = check_data(
        cfg, workers=2, progress=lambda *args: seen.append(args)
    )
    assert not source.problems + target.problems + val.problems
    assert [source.num_samples, target.num_samples, val.num_samples] == [6, 5, 3]
    # 6 images of 48 pixels, all road but one pixel, which is void in each.
    assert source.pixels.tolist() == [6 * 47] + [0] * 18
    assert source.images.tolist() == [6] + [0] * 18
    assert source.void_pixels == 6
    assert target.pixels is None
    assert val.pixels[13] == 3 * 48
    assert seen[5] == (source.key, 6, 6)
    text = format_report(source)
    rows = [line.split() for line in text.splitlines()]
    assert ['road', '97.917%', '6'] in rows
    assert ['(void)', '2.083%'] in rows
    assert 'absent' in text
    assert 'no labels' in format_report(target)


def test_all_problems_are_collected(
    cfg, gta5_root, cityscapes_root, write_label, tmp_path
):
    write_label(gta5_root / 'labels/00001.png', 7, size=(9, 6))
    (gta5_root / 'labels/00002.png').unlink()
    write_label(gta5_root / 'labels/00003.png', 77)
    (gta5_root / 'images/00004.png').write_bytes(b'')
    Image.fromarray(np.zeros((6, 8, 3), np.uint8)).save(gta5_root / 'labels/00005.png')
    broken = 'aachen/aachen_000001_000019_leftImg8bit.png'
    path = cityscapes_root / 'leftImg8bit/train' / broken
    path.write_bytes(path.read_bytes()[:80])
    for path in (cityscapes_root / 'gtFine/val/frankfurt').iterdir():
        path.unlink()

    source, target, val = check_data(cfg)
    found = {problem.name: str(problem) for problem in source.problems}
    assert set(found) == {f'0000{i}.png' for i in range(1, 6)}
    for name, message in {
        '00001.png': '9x6',
        '00002.png': 'is missing',
        '00003.png': '[77] in 48 pixels',
        '00004.png': 'cannot be decoded',
        '00005.png': "'RGB'",
    }.items():
        assert message in found[name]
    assert source.images[0] == 1
    assert [problem.name for problem in target.problems] == [broken]
    assert 'folder holds no file' in str(val.problems[0])
    assert all(str(p) in format_report(source) for p in source.problems)

    exclude = tmp_path / 'exclude.txt'
    exclude.write_text('00006.png\n')
    assert write_exclude(exclude, [source, target, val]) == 7
    for key in ('source', 'target'):
        cfg['train_dataloader']['dataset']['dataset'][key]['exclude'] = str(exclude)
    (gta5_root / 'images/00007.png').write_bytes(
        (gta5_root / 'images/00006.png').read_bytes()
    )
    write_label(gta5_root / 'labels/00007.png', 7)
    source, target, val = check_data(cfg)
    assert not source.problems + target.problems
    assert source.num_samples == 1


def test_table_of_the_pipeline_is_used_and_an_absent_root_is_a_problem(cfg, tmp_path):
    val = cfg['val_dataloader']['dataset']
    val['pipeline'] = [{'type': 'LoadLabelIds', 'table': {26: 3}}]
    (report,) = check_data(cfg, ('val',))
    assert not report.problems
    assert report.pixels[3] == 3 * 48
    val['data_root'] = str(tmp_path / 'nowhere')
    (report,) = check_data(cfg, ('val',))
    assert 'nowhere' in str(report.problems[0])
    assert report.num_samples == 0


def test_data_sets_of_mmseg(cityscapes_root, write_label):
    for path in (cityscapes_root / 'gtFine/val/frankfurt').glob('*labelIds.png'):
        write_label(path.with_name(path.name.replace('labelIds', 'labelTrainIds')), 2)
    dataset = {
        'type': 'CityscapesDataset',
        'data_root': str(cityscapes_root),
        'data_prefix': {'img_path': 'leftImg8bit/val', 'seg_map_path': 'gtFine/val'},
        'pipeline': [{'type': 'LoadAnnotations'}],
    }
    (report,) = check_data({'test_dataloader': {'dataset': dataset}})
    assert not report.problems
    assert report.pixels[2] == 3 * 48
    dataset['data_root'] = 'nowhere'
    (report,) = check_data({'test_dataloader': {'dataset': dataset}})
    assert 'nowhere' in str(report.problems[0])


def test_instances_of_published_and_of_pseudo_labels(
    tmp_path, write_image, write_instance_ids
):
    """Labels with instances are read as LoadPanopticLabels reads them."""
    ids = np.full((6, 8), 7)
    ids[2, 1:3], ids[4, 6:8] = 26000, 28003
    stem = 'train/ulm/ulm_000000_000019'
    write_image(tmp_path / f'leftImg8bit/{stem}_leftImg8bit.png')
    write_instance_ids(tmp_path / f'gtFine/{stem}_gtFine_instanceIds.png', ids)
    write_image(tmp_path / 'drive/1.png')
    write_instance_ids(tmp_path / 'labels/1.png', 45000)
    pseudo = {
        'type': 'PseudoLabeledDataset',
        'images': {'type': 'UnlabeledImageDataset', 'images': str(tmp_path / 'drive')},
        'labels': str(tmp_path / 'labels'),
        'metainfo': CityscapesPanopticDataset.METAINFO,
    }
    published = {'type': 'CityscapesPanopticDataset', 'data_root': str(tmp_path)}
    concat = {'type': 'ConcatDataset', 'datasets': [published, pseudo]}
    published, other = check_data({'train_dataloader': {'dataset': concat}})
    assert not published.problems
    assert published.pixels[[0, 13, 15]].tolist() == [44, 2, 2]
    assert '[45000]' in str(other.problems[0])
    assert other.problems[0].name == '1.png'
