"""Pairs of images and labels, on GTA5: what is chosen, loaded and reported."""

from __future__ import annotations

import pytest
import torch
from mmengine.config import ConfigDict
from torch.utils.data import DataLoader

from segda_mm.datasets import DataError, GTA5Dataset, MissingDataError
from segda_mm.registry import DATASETS

PIPELINE = [
    {'type': 'LoadImageFromFile'},
    {'type': 'LoadLabelIds'},
    {'type': 'PackSegInputs'},
]


def test_sample_has_image_and_train_ids(gta5_root):
    (gta5_root / 'images/._00001.png').write_bytes(b'hidden files are no images')
    dataset = DATASETS.build(
        ConfigDict(type='GTA5Dataset', data_root=str(gta5_root), pipeline=PIPELINE)
    )
    assert len(dataset) == 6
    assert dataset.metainfo['classes'][0] == 'road'
    assert dataset.metainfo['palette'][0] == [128, 64, 128]
    sample = dataset[4]
    assert sample['inputs'].shape == (3, 6, 8)
    labels = sample['data_samples'].gt_sem_seg.data[0]
    assert labels.flatten().tolist() == [255] + [0] * 47
    # Part of the classes.
    dataset = GTA5Dataset(
        data_root=str(gta5_root),
        metainfo={'classes': ('car', 'road')},
        pipeline=PIPELINE,
    )
    labels = dataset[0]['data_samples'].gt_sem_seg.data
    assert labels.unique().tolist() == [1, 255]
    assert dataset.metainfo['palette'] == [[0, 0, 142], [128, 64, 128]]


def test_classes_become_those_of_another_data_set(gta5_root):
    classes = GTA5Dataset.METAINFO['classes']
    class_map = dict.fromkeys(classes) | dict(road='Ground', sidewalk='Ground')
    args = dict(
        data_root=str(gta5_root),
        metainfo=dict(classes=('Car', 'Ground'), palette=[[1, 2, 3], [4, 5, 6]]),
        pipeline=PIPELINE,
    )
    dataset = GTA5Dataset(class_map=class_map | dict(car='Car'), **args)
    assert dataset.metainfo['palette'] == [[1, 2, 3], [4, 5, 6]]
    kept = GTA5Dataset(data_root=str(gta5_root), pipeline=PIPELINE)
    for sample, before in zip(dataset, kept):
        before = before['data_samples'].gt_sem_seg.data
        expected = torch.full_like(before, 255)
        for name, new_id in (('road', 1), ('sidewalk', 1), ('car', 0)):
            expected[before == classes.index(name)] = new_id
        assert sample['data_samples'].gt_sem_seg.data.equal(expected)
    # A class is forgotten, of the data set or of those that there shall be.
    for wrong, name in ((class_map, 'train'), (class_map | dict(car='Cat'), 'Cat')):
        with pytest.raises(ValueError, match=name):
            GTA5Dataset(
                class_map={k: v for k, v in wrong.items() if k != 'train'}, **args
            )


def test_subset_and_exclude(gta5_root, tmp_path, names_of):
    def build(key, names, **kwargs):
        (tmp_path / 'list.txt').write_text('\n'.join(names))
        kwargs[key] = str(tmp_path / 'list.txt')
        return GTA5Dataset(data_root=str(gta5_root), **kwargs)

    dataset = build('exclude', ['00002.png'], subset={'size': 5, 'seed': 9})
    assert names_of(dataset) == [f'0000{i}.png' for i in (1, 3, 4, 5, 6)]
    chosen = ['00006.png', '00001.png']
    assert names_of(build('subset', chosen)) == sorted(chosen)
    with pytest.raises(DataError, match=r'list\.txt.*every image'):
        build('exclude', [f'{i:05d}.png' for i in range(1, 7)])


@pytest.mark.parametrize(('lost', 'kept'), [('labels', 'image'), ('images', 'label')])
def test_missing_pair_is_named_unless_excluded(gta5_root, tmp_path, lost, kept):
    for i in (2, 3):
        (gta5_root / lost / f'0000{i}.png').unlink()
    with pytest.raises(DataError) as error:
        GTA5Dataset(data_root=str(gta5_root))
    for part in (f'{lost}/00002.png', f'its {kept} is there', '1 more', 'exclude='):
        assert part in str(error.value)
    exclude = tmp_path / 'exclude.txt'
    exclude.write_text('00002.png\n00003.png\n')
    assert len(GTA5Dataset(data_root=str(gta5_root), exclude=str(exclude))) == 4


def test_absent_and_empty_folders_say_what_belongs_there(gta5_root, tmp_path):
    with pytest.raises(MissingDataError) as error:
        GTA5Dataset(data_root=str(tmp_path / 'nowhere'))
    assert error.value.folder == str(tmp_path / 'nowhere/images')
    assert '00001.png' in error.value.expected
    for path in (gta5_root / 'labels').iterdir():
        path.unlink()
    with pytest.raises(MissingDataError, match=r'labels: folder holds no file'):
        GTA5Dataset(data_root=str(gta5_root))


def test_size_mismatch_names_both_sizes_and_the_remedy(gta5_root, write_label):
    write_label(gta5_root / 'labels/00001.png', 7, size=(10, 4))
    dataset = GTA5Dataset(data_root=str(gta5_root), pipeline=PIPELINE)
    # From a worker, the message comes back whole.
    with pytest.raises(DataError, match=r"10x4.*8x6.*'00001\.png'.*exclude="):
        next(iter(DataLoader(dataset, num_workers=1, collate_fn=list)))


@pytest.mark.parametrize('length', [0, 60])
def test_unreadable_image_is_named(gta5_root, length):
    path = gta5_root / 'images/00001.png'
    path.write_bytes(path.read_bytes()[:length])
    dataset = GTA5Dataset(data_root=str(gta5_root), pipeline=PIPELINE)
    with pytest.raises(DataError, match=r'images/00001\.png: .*decoded.*exclude='):
        dataset[0]


def test_a_fault_of_the_pipeline_is_not_blamed_on_the_image(gta5_root):
    def fail(results):
        raise RuntimeError('a fault of mine')

    dataset = GTA5Dataset(data_root=str(gta5_root), pipeline=[fail])
    with pytest.raises(RuntimeError, match='a fault of mine'):
        dataset[0]
