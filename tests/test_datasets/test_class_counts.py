"""Classes in label files: counted as a training reads them, and kept in a file."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from mmengine.dataset import ConcatDataset
from PIL import Image

from segda_mm.datasets import DataError, PairedSegDataset, class_counts
from segda_mm.datasets.class_counts import count_classes, labelled_sets
from segda_mm.datasets.formats.label_checksums import checksum
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


def counted(dataset, file=None):
    dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
    num_classes = len(dataset.metainfo['classes'])
    sets = labelled_sets(dataset, 'dataset')
    return count_classes(sets, num_classes, None if file is None else str(file))


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


@pytest.fixture
def kept(root, tmp_path, monkeypatch):
    """Counts in a file; whoever counts again is told so."""
    file = tmp_path / 'folder' / 'counts.json'
    counted(labelled(root), file)
    count, calls = class_counts._count, []
    monkeypatch.setattr(
        class_counts, '_count', lambda *args: calls.append(args) or count(*args)
    )
    return file, calls


def test_counts_are_kept(kept, root, tmp_path):
    file, calls = kept
    written = file.read_bytes()
    assert json.loads(written)['pixels'] == COUNTS
    assert counted(labelled(root), file).tolist() == COUNTS
    # Another place of the same files.
    moved = shutil.copytree(root, tmp_path / 'elsewhere')
    assert counted(labelled(moved), file).tolist() == COUNTS
    assert calls == []
    assert file.read_bytes() == written
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_stale_counts_are_not_used(kept, root, write_label):
    file, calls = kept
    ids = np.full((4, 5), 7)
    ids[1:, 2:] = np.arange(9).reshape(3, 3) % 2 * 19 + 7
    changed = root / 'labels/a/0.png'
    size = changed.stat().st_size
    write_label(changed, ids)
    assert changed.stat().st_size != size
    # One by one: a file, the ids' meaning, the number and the order of classes
    # that were chosen, and the choice of files.
    swapped = TABLE | {7: 1, 26: 0}
    settings = [
        (dict(), [16, 4, 0, 0]),
        (dict(table=swapped), [4, 16, 0, 0]),
        (dict(table=swapped, classes=('road', 'car')), [4, 16, 0]),
        (dict(table=swapped, classes=('car', 'road')), [16, 4, 0]),
        (
            dict(table=swapped, classes=('car', 'road'), subset=dict(size=3, seed=0)),
            None,
        ),
    ]
    for number, (kwargs, first) in enumerate(settings, start=1):
        dataset = labelled(root, **kwargs)
        pixels = counted(dataset, file)
        assert first is None or pixels[0].tolist() == first
        assert (counted(dataset, file) == pixels).all()
        assert len(calls) == number


def test_pseudo_labels_that_were_made_again_are_counted_again(tmp_path, write_image):
    """Their files have the size that they had, but not the checksum."""
    file = tmp_path / 'counts.json'
    write_image(tmp_path / 'images/0.png', (5, 4))
    label = tmp_path / 'labels/0.png'
    label.parent.mkdir()

    def count_of(train_id):
        Image.fromarray(np.full((4, 5), train_id, dtype=np.uint8)).save(label)
        manifest = dict(images=['0.png'], checksums=[checksum(label.read_bytes())])
        (label.parent / 'manifest.json').write_text(json.dumps(manifest))
        pseudo_labelled = dict(
            type='PseudoLabeledDataset',
            images=dict(type='UnlabeledImageDataset', images=str(tmp_path / 'images')),
            labels=str(label.parent),
            metainfo=TASK,
            pipeline=[dict(type='LoadLabelIds')],
        )
        return counted(pseudo_labelled, file).tolist(), label.stat().st_size

    first, size = count_of(1)
    assert first == [[0, 20, 0, 0]]
    assert count_of(2) == ([[0, 0, 20, 0]], size)


def test_another_file_is_not_overwritten(root, tmp_path):
    file = tmp_path / 'results.json'
    for content, what in (('{"mIoU": 3}', 'is no file of class'), ('{', 'is damaged')):
        file.write_text(content)
        with pytest.raises(DataError, match=f'results.json: {what}.*statistics_file='):
            counted(labelled(root), file)
        assert file.read_text() == content


def test_wrong_label_files_are_named(root, tmp_path, write_label):
    dataset, label = labelled(root), root / 'labels/a/1.png'

    def refused(message, file=None):
        with pytest.raises(DataError, match=message):
            counted(dataset, file)

    label.unlink()
    for file in (None, tmp_path / 'counts.json'):
        refused(r'labels/a/1\.png: label file does not', file)
    write_label(label, 3, size=(5, 4))
    refused(r'labels/a/1\.png: has ids \[3\]')
    write_label(label, 7, size=(5, 3))
    refused(r'labels/a/1\.png: label is 5x3 pixels')
    (root / 'images/a/1.png').write_bytes(b'no image')
    refused(r'images/a/1\.png: image cannot be decoded')
