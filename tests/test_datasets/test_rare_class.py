from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import ConcatDataset, pseudo_collate
from torch.utils.data import DataLoader

from segda_mm.apis import PreflightError
from segda_mm.apis.checks import require_data
from segda_mm.datasets import (
    PairedSegDataset,
    RareClassDataset,
    UnlabeledImageDataset,
    class_counts,
    rare_class,
)
from segda_mm.datasets.data_check import dataset_configs
from segda_mm.labeling.pseudo_label_hook import _target_datasets
from segda_mm.registry import DATASETS

CLASSES = ('road', 'car', 'rider', 'train')
TASK = dict(classes=CLASSES, palette=[[1, 1, 1], [2, 2, 2], [3, 3, 3], [4, 4, 4]])

#: Ids of the label files, which are no train ids.
TABLE = {7: 0, 26: 1, 25: 2, 31: 3, 0: 255}

#: Pixels of each id in the 20 pixels of each of four labels: 62 of road, 7 of
#: car, 1 of rider, and 10 of void.
LABELS = [{7: 20}, {7: 15, 26: 5}, {7: 19, 25: 1}, {0: 10, 7: 8, 26: 2}]


@pytest.fixture
def root(tmp_path, write_image, write_label):
    for index, content in enumerate(LABELS):
        ids = np.repeat(list(content), list(content.values()))
        write_image(tmp_path / f'data/images/a/{index}.png', (5, 4), seed=index)
        write_label(tmp_path / f'data/labels/a/{index}.png', ids.reshape(4, 5))
    return tmp_path / 'data'


def labelled(root, table=TABLE, metainfo=TASK, **kwargs):
    return PairedSegDataset(
        data_root=str(root),
        metainfo=metainfo,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadLabelIds', table=table),
        ],
        # To do so is what takes the time of data sets this small.
        serialize_data=False,
        **kwargs,
    )


def rare(dataset, temperature=0.5, min_pixels_share=0.1, **kwargs):
    dataset = RareClassDataset(dataset, temperature, min_pixels_share, **kwargs)
    dataset.full_init()
    return dataset


def softmax(shares, temperature):
    powers = [math.exp((1 - share) / temperature) for share in shares]
    return [power / sum(powers) for power in powers]


def test_images_are_drawn_as_often_as_by_hand(root):
    """Rider has 1 of 20 pixels at most, less than 0.1; train has none."""
    dataset = rare(labelled(root))
    road, car = softmax((62 / 70, 7 / 70), 0.5)
    np.testing.assert_allclose(dataset.class_probabilities, [road, car, 0, 0])
    images = [images.tolist() for images in dataset.class_images]
    assert images == [[0, 1, 2, 3], [1, 3], [], []]

    np.random.seed(0)
    draws = 8000
    counts = np.bincount([dataset.draw() for _ in range(draws)])
    expected = road / 4 + np.array([0, car / 2, 0, car / 2])
    deviation = np.sqrt(expected * (1 - expected) / draws)
    assert (np.abs(counts / draws - expected) < 4 * deviation).all()


def test_every_image_with_a_pixel_shows_the_class_at_a_share_of_zero(root):
    dataset = rare(labelled(root), temperature=0.01, min_pixels_share=0)
    road, car, rider = softmax((62 / 70, 7 / 70, 1 / 70), 0.01)
    np.testing.assert_allclose(dataset.class_probabilities, [road, car, rider, 0])
    assert [len(images) for images in dataset.class_images] == [4, 2, 1, 0]
    np.random.seed(0)
    # Rider is drawn 0.9998 of the times.
    assert [dataset.draw() for _ in range(20)] == [2] * 20
    sample = dataset[0]
    assert sample['img_path'].endswith('a/2.png')
    assert sample['gt_seg_map'].tolist()[-1] == [0, 0, 0, 0, 2]
    assert len(list(dataset)) == len(dataset) == 4
    with pytest.raises(IndexError):
        dataset[4]
    # The share is one of all pixels, void ones included.
    for share, images in ((0.4, [0, 1, 2, 3]), (0.41, [0, 1, 2])):
        dataset = rare(labelled(root), min_pixels_share=share)
        assert dataset.class_images[0].tolist() == images


def paired(root, **kwargs):
    """What a config of two domains trains on, around the rare classes."""
    load = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
    source = PairedSegDataset(
        data_root=str(root),
        metainfo=TASK,
        pipeline=[
            load[0],
            dict(type='LoadLabelIds', table=TABLE),
            dict(type='RandomFlip', prob=0.5),
            load[1],
        ],
        serialize_data=False,
    )
    rare_source = RareClassDataset(source, 5, 0.1, **kwargs)
    target = UnlabeledImageDataset(
        images=str(root / 'images'), pipeline=load, serialize_data=False
    )
    pair = dict(type='DomainPairDataset', source=rare_source, target=target)
    return DATASETS.build(dict(type='CounterSeededDataset', dataset=pair))


def items(dataset, epoch, workers=0, indices=range(4)):
    dataset.set_epoch(epoch, seed=3)
    loader = DataLoader(
        dataset, sampler=indices, num_workers=workers, collate_fn=pseudo_collate
    )
    return [
        (
            batch['source']['data_samples'][0].img_path,
            batch['target']['data_samples'][0].img_path,
            batch['source']['inputs'][0],
        )
        for batch in loader
    ]


def same(some, others):
    return len(some) == len(others) and all(
        one[:2] == other[:2] and torch.equal(one[2], other[2])
        for one, other in zip(some, others)
    )


def test_items_depend_on_seed_epoch_and_index_alone(root, tmp_path):
    dataset = paired(root)
    dataset.full_init()
    epochs = [items(dataset, epoch) for epoch in range(6)]
    assert same(epochs[2], items(dataset, 2, workers=2))
    # Cut and resumed by another process, which counts when it draws.
    assert same(epochs[4][2:], items(paired(root), 4, indices=[2, 3]))
    # With counts that an earlier run has left.
    file = str(tmp_path / 'counts.json')
    paired(root, statistics_file=file).full_init()
    assert same(epochs[5], items(paired(root, statistics_file=file), 5))
    assert not same(epochs[0], epochs[1])
    assert len({item[0] for epoch in epochs for item in epoch}) > 2
    # The targets are still walked through.
    assert all(len({item[1] for item in epoch}) == 4 for epoch in epochs)


def test_it_is_seen_through_as_a_wrapper(root):
    dataset = paired(root)
    (target,) = _target_datasets(dataset)
    assert target is dataset.dataset.target
    assert dataset.metainfo['classes'] == CLASSES
    inner = dict(type='GTA5Dataset', data_root='x')
    cfg = dict(train_dataloader=dict(dataset=wrapped(inner)))
    key = 'train_dataloader.dataset.dataset'
    assert dataset_configs(cfg, ('train',)) == {key: inner}
    told = []
    dataset = RareClassDataset(labelled(root), 0.5, 0)
    dataset.set_epoch(3, 1)
    dataset.dataset.set_epoch = lambda *numbers: told.append(numbers)
    dataset.set_epoch(4, 9)
    assert told == [(4, 9)]


def test_classes_are_counted_once_and_told(root, monkeypatch):
    said = []
    for module in (class_counts, rare_class):
        monkeypatch.setattr(module, 'print_log', lambda text, **_: said.append(text))
    dataset = RareClassDataset(labelled(root), 0.5, 0.1)
    assert said == []
    dataset.full_init()
    dataset[0]
    assert said[0] == 'Counting the classes in 4 label files'
    (table,) = said[1:]
    probability = softmax((62 / 70, 0.1), 0.5)[1]
    lines = table.splitlines()
    assert lines[0] == 'Rare classes are drawn from 4 images at temperature 0.5:'
    assert lines[3].split() == ['car', '10.000%', f'{probability:.3%}', '2']
    assert lines[4].split() == ['rider', '1.429%', '0.000%', '0', 'not', 'drawn']


def wrapped(dataset, **kwargs):
    return dict(
        type='RareClassDataset',
        dataset=dataset,
        temperature=0.01,
        min_pixels_share=0.001,
        **kwargs,
    )


def test_data_sets_without_labels_are_refused_before_the_training(root):
    images = dict(
        type='UnlabeledImageDataset',
        images=str(root / 'images'),
        metainfo=TASK,
        pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadPseudoLabels')],
        serialize_data=False,
    )
    pair = dict(type='DomainPairDataset', source=images, target=images)
    for config in (images, pair):
        cfg = Config(dict(train_dataloader=dict(dataset=wrapped(config))))
        with pytest.raises(PreflightError) as caught:
            require_data(cfg, ('train_dataloader',))
        message = str(caught.value)
        assert message.startswith('train_dataloader: RareClassDataset.dataset is a ')
        assert f'{config["type"]} whose pipeline reads no label files' in message
        assert 'LoadLabelIds' in message
    both = ConcatDataset(
        [labelled(root), DATASETS.build(images)], ignore_keys='palette'
    )
    with pytest.raises(
        ValueError, match=r'RareClassDataset\.dataset\.datasets\[1\] is'
    ):
        RareClassDataset(both, 0.01, 0)


def test_an_absent_folder_is_told_as_ever(tmp_path):
    inner = dict(type='GTA5Dataset', data_root=str(tmp_path / 'gta5'), pipeline=[])
    cfg = Config(dict(train_dataloader=dict(dataset=wrapped(inner))))
    with pytest.raises(PreflightError, match='gta5/images\n'):
        require_data(cfg, ('train_dataloader',))


def test_wrong_arguments(root):
    dataset, exclude = labelled(root), root / 'exclude.txt'
    exclude.write_text('a/0.png\na/2.png\na/3.png\n')
    with pytest.raises(ValueError, match='temperature=0 of RareClassDataset'):
        RareClassDataset(dataset, 0, 0.1)
    with pytest.raises(ValueError, match='min_pixels_share=3000 of RareClass'):
        RareClassDataset(dataset, 0.01, 3000)
    with pytest.raises(ValueError, match='RareClassDataset.dataset has no classes'):
        RareClassDataset(labelled(root, metainfo=None), 0.01, 0)
    with pytest.raises(ValueError, match=r'no image .*min_pixels_share=1.0 .*lower'):
        # The only image has two classes.
        rare(labelled(root, exclude=str(exclude)), min_pixels_share=1.0)
