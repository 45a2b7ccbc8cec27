"""Classes in label files, counted as a training reads them."""

from __future__ import annotations

import numpy as np
import pytest
from mmengine.dataset import ConcatDataset

from segda_mm.datasets import DataError
from segda_mm.datasets.class_counts import count_classes, labelled_sets
from segda_mm.registry import DATASETS

CLASSES = ('road', 'car', 'rider')
TASK = dict(classes=CLASSES, palette=[[1, 1, 1], [2, 2, 2], [3, 3, 3]])


def counted(dataset):
    dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
    sets = labelled_sets(dataset, 'dataset')
    return count_classes(sets, len(dataset.metainfo['classes']))


def test_part_of_the_classes_and_several_data_sets(rare_streets):
    dataset = rare_streets()
    expected = [[20, 0, 0, 0, 0], [15, 5, 0, 0, 0], [19, 0, 1, 0, 0], [8, 2, 0, 0, 10]]
    pixels = counted(dataset)
    assert pixels.dtype == np.int64
    assert pixels.tolist() == expected
    twice = ConcatDataset([dataset, rare_streets(subset=dict(size=1, seed=0))])
    (name,) = (i['relative_path'] for i in twice.datasets[1])
    assert counted(twice).tolist() == [*expected, expected[int(name[2])]]
    part = counted(rare_streets(metainfo=dict(classes=('rider', 'car'))))
    assert part.tolist() == [[0, 0, 20], [0, 5, 15], [1, 0, 19], [0, 2, 18]]


def test_label_files_of_mmseg_and_of_instances(
    tmp_path, write_image, write_label, write_instance_ids
):
    for index, value in enumerate((0, 1)):
        write_image(tmp_path / f'toy/images/{index}.png', seed=index)
        write_label(tmp_path / f'toy/labels/{index}.png', value)
        stem = f'train/a/a_{index:06d}_000019'
        write_image(tmp_path / f'city/leftImg8bit/{stem}_leftImg8bit.png')
        file = tmp_path / f'city/gtFine/{stem}_gtFine_instanceIds.png'
        write_instance_ids(file, (7, 26001)[value])
    toy = dict(
        type='BaseSegDataset',
        data_root=str(tmp_path / 'toy'),
        data_prefix=dict(img_path='images', seg_map_path='labels'),
        img_suffix='.png',
        metainfo=TASK,
        pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')],
    )
    assert counted(toy).tolist() == [[48, 0, 0, 0], [0, 48, 0, 0]]
    panoptic = dict(
        type='CityscapesPanopticDataset',
        data_root=str(tmp_path / 'city'),
        pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadPanopticLabels')],
    )
    pixels = counted(panoptic)
    assert pixels.shape == (2, 20)
    assert pixels[0, 0] == pixels[1, 13] == 48 == pixels.sum() / 2


def test_wrong_label_files_are_named(rare_root, rare_streets, write_label):
    dataset, label = rare_streets(), rare_root / 'labels/a/1.png'

    def refused(message):
        with pytest.raises(DataError, match=message):
            counted(dataset)

    label.unlink()
    refused(r'labels/a/1\.png: label file does not')
    write_label(label, 3, size=(5, 4))
    refused(r'labels/a/1\.png: has ids \[3\]')
    (rare_root / 'images/a/1.png').write_bytes(b'no image')
    refused(r'images/a/1\.png: image cannot be decoded')
