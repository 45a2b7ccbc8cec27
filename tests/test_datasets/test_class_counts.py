"""Classes in label files: counted as a training reads them, and kept in a file."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from mmengine.dataset import ConcatDataset
from PIL import Image

from segda_mm.datasets import CityscapesPanopticDataset, DataError, class_counts
from segda_mm.datasets.class_counts import count_classes, labelled_sets
from segda_mm.datasets.formats.label_checksums import checksum
from segda_mm.registry import DATASETS

#: Pixels of road, car, rider, train and void in each of four labels.
COUNTS = [[20, 0, 0, 0, 0], [15, 5, 0, 0, 0], [19, 0, 1, 0, 0], [8, 2, 0, 0, 10]]


def counted(dataset, file=None):
    num_classes = len(dataset.metainfo['classes'])
    sets = labelled_sets(dataset, 'dataset')
    return count_classes(sets, num_classes, file and str(file)).tolist()


def test_part_of_the_classes_and_several_data_sets(rare_streets, instances_root):
    dataset = rare_streets()
    assert counted(dataset) == COUNTS
    twice = ConcatDataset([dataset, rare_streets(subset=dict(size=1, seed=0))])
    (name,) = (i['relative_path'] for i in twice.datasets[1])
    assert counted(twice) == [*COUNTS, COUNTS[int(name[2])]]
    part = counted(rare_streets(metainfo=dict(classes=('rider', 'car'))))
    assert part == [[0, 0, 20], [0, 5, 15], [1, 0, 19], [0, 2, 18]]
    panoptic = CityscapesPanopticDataset(
        data_root=str(instances_root),
        pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadPanopticLabels')],
    )
    pixels = np.array(counted(panoptic))
    assert pixels[:, [0, 13, 15]].tolist() == [[44, 2, 2]] * 2
    assert pixels.sum() == 96


def test_label_files_of_mmseg(tmp_path, write_image, write_label):
    for index in (0, 1):
        write_image(tmp_path / f'images/{index}.png', seed=index)
        write_label(tmp_path / f'labels/{index}.png', index)
    dataset = DATASETS.build(
        dict(
            type='BaseSegDataset',
            data_root=str(tmp_path),
            data_prefix=dict(img_path='images', seg_map_path='labels'),
            img_suffix='.png',
            metainfo=dict(classes=('a', 'b'), palette=[[1] * 3] * 2),
            pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')],
        )
    )
    assert counted(dataset) == [[48, 0, 0], [0, 48, 0]]


def test_counts_are_kept_until_the_files_change(
    rare_streets, rare_root, tmp_path, monkeypatch, write_label
):
    file = tmp_path / 'folder/counts.json'
    counted(rare_streets(), file)
    written = file.read_bytes()
    count, calls = class_counts._count, []
    monkeypatch.setattr(
        class_counts, '_count', lambda *args: calls.append(args) or count(*args)
    )
    assert json.loads(written)['pixels'] == COUNTS
    # Another place of the same files.
    moved = shutil.copytree(rare_root, tmp_path / 'elsewhere')
    for root in (rare_root, moved):
        assert counted(rare_streets(root=root), file) == COUNTS
    assert calls == []
    assert file.read_bytes() == written
    assert [path.name for path in file.parent.iterdir()] == [file.name]

    ids = np.full((4, 5), 7)
    ids[1:, 2:] = np.arange(9).reshape(3, 3) % 2 * 19 + 7
    write_label(rare_root / 'labels/a/0.png', ids)
    # One by one: a file, the ids' meaning, the number and the order of classes
    # that were chosen, and the choice of files.
    table = {7: 1, 26: 0, 25: 2, 0: 255}
    swapped = dict(table=table, metainfo=dict(classes=('car', 'road')))
    settings = [
        (dict(), [16, 4, 0, 0, 0]),
        (dict(table=table), [4, 16, 0, 0, 0]),
        (dict(table=table, metainfo=dict(classes=('road', 'car'))), [4, 16, 0]),
        (swapped, [16, 4, 0]),
        (dict(swapped, subset=dict(size=3, seed=0)), None),
    ]
    for number, (kwargs, first) in enumerate(settings, start=1):
        pixels = counted(rare_streets(**kwargs), file)
        assert first is None or pixels[0] == first
        assert counted(rare_streets(**kwargs), file) == pixels
        assert len(calls) == number


def test_pseudo_labels_that_were_made_again_are_counted_again(tmp_path, write_image):
    """Their files have the size that they had, but not the checksum."""
    write_image(tmp_path / 'images/0.png', (5, 4))
    label = tmp_path / 'labels/0.png'
    label.parent.mkdir()
    config = dict(
        type='PseudoLabeledDataset',
        images=dict(type='UnlabeledImageDataset', images=str(tmp_path / 'images')),
        labels=str(label.parent),
        metainfo=dict(classes=('a', 'b', 'c'), palette=[[1] * 3] * 3),
        pipeline=[dict(type='LoadLabelIds')],
    )
    sizes = set()
    for train_id in (1, 2):
        Image.fromarray(np.full((4, 5), train_id, dtype=np.uint8)).save(label)
        manifest = dict(images=['0.png'], checksums=[checksum(label.read_bytes())])
        (label.parent / 'manifest.json').write_text(json.dumps(manifest))
        counts = counted(DATASETS.build(config), tmp_path / 'counts.json')
        assert counts == [[0, 20, 0, 0] if train_id == 1 else [0, 0, 20, 0]]
        sizes.add(label.stat().st_size)
    assert len(sizes) == 1


def test_another_file_is_not_overwritten(rare_streets, tmp_path):
    file = tmp_path / 'results.json'
    for content, what in (('{"mIoU": 3}', 'is no file of class'), ('{', 'is damaged')):
        file.write_text(content)
        with pytest.raises(DataError, match=f'results.json: {what}.*statistics_file='):
            counted(rare_streets(), file)
        assert file.read_text() == content


def test_wrong_label_files_are_named(rare_streets, rare_root, tmp_path, write_label):
    dataset, label = rare_streets(), rare_root / 'labels/a/1.png'
    label.unlink()
    for file in (None, tmp_path / 'counts.json'):
        with pytest.raises(DataError, match=r'labels/a/1\.png: label file does not'):
            counted(dataset, file)
    write_label(label, 7, size=(5, 3))
    with pytest.raises(DataError, match=r'labels/a/1\.png: label is 5x3 pixels'):
        counted(dataset)
    (rare_root / 'images/a/1.png').write_bytes(b'no image')
    with pytest.raises(DataError, match=r'images/a/1\.png: image cannot be decoded'):
        counted(dataset)
