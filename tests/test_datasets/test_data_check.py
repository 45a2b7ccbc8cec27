from __future__ import annotations

import pytest
from PIL import Image

from segda_mm.datasets import CityscapesPanopticDataset
from segda_mm.datasets.data_check import (
    check_data,
    dataset_configs,
    format_report,
    write_exclude,
)

VAL = {'img_path': 'leftImg8bit/val', 'seg_map_path': 'gtFine/val'}


@pytest.fixture
def cfg(gta5_root, cityscapes_root):
    """An adaptation config: GTA5 to Cityscapes, validated on Cityscapes."""
    load = [{'type': 'LoadImageFromFile'}, {'type': 'LoadLabelIds'}]
    source, target, val = (
        {'type': type, 'data_root': str(root), 'pipeline': load}
        for type, root in (
            ('GTA5Dataset', gta5_root),
            ('CityscapesImagesDataset', cityscapes_root),
            ('CityscapesFineDataset', cityscapes_root),
        )
    )
    val['data_prefix'] = VAL
    pair = {'type': 'DomainPairDataset', 'source': source, 'target': target}
    train = {'type': 'CounterSeededDataset', 'dataset': pair}
    return {
        'train_dataloader': {'dataset': train},
        'val_dataloader': {'dataset': val},
        'test_dataloader': {'dataset': dict(val, test_mode=True)},
    }


def test_clean_data(cfg):
    seen = []
    # test is of the same images as val: they are checked once.
    source, target, val = check_data(
        cfg, workers=2, progress=lambda *args: seen.append(args)
    )
    key = 'train_dataloader.dataset.dataset'
    assert [source.key, target.key] == [f'{key}.source', f'{key}.target']
    assert list(dataset_configs(cfg, ('train',))) == [source.key]
    with pytest.raises(ValueError, match='no data set for val'):
        dataset_configs({**cfg, 'val_dataloader': None}, ('val',))
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
    cfg, gta5_root, cityscapes_root, write_image, write_label, tmp_path
):
    write_label(gta5_root / 'labels/00001.png', 7, size=(9, 6))
    (gta5_root / 'labels/00002.png').unlink()
    write_label(gta5_root / 'labels/00003.png', 77)
    (gta5_root / 'images/00004.png').write_bytes(b'')
    Image.new('RGB', (8, 6)).save(gta5_root / 'labels/00005.png')
    broken = 'aachen/aachen_000001_000019_leftImg8bit.png'
    path = cityscapes_root / 'leftImg8bit/train' / broken
    path.write_bytes(path.read_bytes()[:80])
    for path in (cityscapes_root / 'gtFine/val/frankfurt').iterdir():
        path.unlink()

    source, target, val = check_data(cfg)
    found = {problem.name: str(problem) for problem in source.problems}
    messages = ('9x6', 'is missing', '[77] in 48 pixels', 'decoded', "'RGB'")
    assert sorted(found) == [f'0000{i}.png' for i in range(1, 6)]
    for i, message in enumerate(messages, start=1):
        assert message in found[f'0000{i}.png']
    assert source.images[0] == 1
    assert [problem.name for problem in target.problems] == [broken]
    assert 'folder holds no file' in str(val.problems[0])
    assert all(str(p) in format_report(source) for p in source.problems)

    exclude = tmp_path / 'exclude.txt'
    exclude.write_text('00006.png\n')
    assert write_exclude(exclude, [source, target, val]) == 7
    for key in ('source', 'target'):
        cfg['train_dataloader']['dataset']['dataset'][key]['exclude'] = str(exclude)
    write_image(gta5_root / 'images/00007.png')
    write_label(gta5_root / 'labels/00007.png', 7)
    source, target, val = check_data(cfg)
    assert not source.problems + target.problems
    assert source.num_samples == 1


def test_other_tables_and_absent_folders(cfg, cityscapes_root, write_label):
    val = cfg['val_dataloader']['dataset']
    val['pipeline'] = [{'type': 'LoadLabelIds', 'table': {26: 3}}]
    (report,) = check_data(cfg, ('val',))
    assert not report.problems
    assert report.pixels[3] == 3 * 48
    # The same folder as a data set of mmseg.
    for path in (cityscapes_root / 'gtFine/val/frankfurt').glob('*labelIds.png'):
        write_label(path.with_name(path.name.replace('labelIds', 'labelTrainIds')), 2)
    mmseg = dict(val, type='CityscapesDataset', pipeline=[])
    (report,) = check_data({'test_dataloader': {'dataset': mmseg}})
    assert report.pixels[2] == 3 * 48
    for dataset in (val, mmseg):
        dataset['data_root'] = 'nowhere'
        (report,) = check_data({'test_dataloader': {'dataset': dataset}})
        assert 'nowhere' in str(report.problems[0])
        assert report.num_samples == 0


def test_instances_of_published_and_of_pseudo_labels(
    instances_root, tmp_path, write_image, write_label
):
    """Labels with instances are read as LoadPanopticLabels reads them."""
    write_image(tmp_path / 'drive/1.png')
    write_label(tmp_path / 'labels/1.png', 45000, bits=16)
    pseudo = {
        'type': 'PseudoLabeledDataset',
        'images': {'type': 'UnlabeledImageDataset', 'images': str(tmp_path / 'drive')},
        'labels': str(tmp_path / 'labels'),
        'metainfo': CityscapesPanopticDataset.METAINFO,
    }
    root = str(instances_root)
    published = {'type': 'CityscapesPanopticDataset', 'data_root': root}
    concat = {'type': 'ConcatDataset', 'datasets': [published, pseudo]}
    published, other = check_data({'train_dataloader': {'dataset': concat}})
    assert other.key == 'train_dataloader.dataset.datasets[1]'
    assert not published.problems
    assert published.pixels[[0, 13, 15]].tolist() == [88, 4, 4]
    assert '[45000]' in str(other.problems[0])
    assert other.problems[0].name == '1.png'
