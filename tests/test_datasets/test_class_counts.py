"""Classes in label files, counted as a training reads them."""

from __future__ import annotations

import numpy as np
import pytest
from mmengine.dataset import ConcatDataset

from segda_mm.datasets import DataError, PairedSegDataset
from segda_mm.datasets.class_counts import count_classes, labelled_sets
from segda_mm.registry import DATASETS

CLASSES = ('road', 'car', 'rider')
TASK = dict(classes=CLASSES, palette=[[1, 1, 1], [2, 2, 2], [3, 3, 3]])

#: Ids of the label files, which are no train ids.
TABLE = {7: 0, 26: 1, 25: 2, 0: 255}

#: Pixels of road, car, rider and void in the 20 pixels of each of four labels.
COUNTS = [[20, 0, 0, 0], [15, 5, 0, 0], [19, 0, 1, 0], [8, 2, 0, 10]]


@pytest.fixture
def root(tmp_path, write_image, write_label):
    for index, counts in enumerate(COUNTS):
        ids = np.repeat([7, 26, 25, 0], counts)
        write_image(tmp_path / f'data/images/a/{index}.png', (5, 4), seed=index)
        write_label(tmp_path / f'data/labels/a/{index}.png', ids.reshape(4, 5))
    return tmp_path / 'data'


def labelled(root, table=TABLE, classes=CLASSES, **kwargs):
    """The label files, of which only some classes may be wanted."""

    class Streets(PairedSegDataset):
        METAINFO = TASK
        LABEL_TABLE = table

    return Streets(
        data_root=str(root),
        metainfo=dict(classes=classes),
        pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadLabelIds')],
        # To do so is what takes the time of data sets this small.
        serialize_data=False,
        **kwargs,
    )


def counted(dataset):
    dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
    sets = labelled_sets(dataset, 'dataset')
    return count_classes(sets, len(dataset.metainfo['classes']))


def test_part_of_the_classes_and_several_data_sets(root):
    dataset = labelled(root)
    pixels = counted(dataset)
    assert pixels.dtype == np.int64
    assert pixels.tolist() == COUNTS
    twice = ConcatDataset([dataset, labelled(root, subset=dict(size=1, seed=0))])
    (name,) = (i['relative_path'] for i in twice.datasets[1])
    assert counted(twice).tolist() == [*COUNTS, COUNTS[int(name[2])]]
    part = counted(labelled(root, classes=('rider', 'car')))
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


def test_wrong_label_files_are_named(root, write_label):
    dataset, label = labelled(root), root / 'labels/a/1.png'

    def refused(message):
        with pytest.raises(DataError, match=message):
            counted(dataset)

    label.unlink()
    refused(r'labels/a/1\.png: label file does not')
    write_label(label, 3, size=(5, 4))
    refused(r'labels/a/1\.png: has ids \[3\]')
    (root / 'images/a/1.png').write_bytes(b'no image')
    refused(r'images/a/1\.png: image cannot be decoded')
