from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from segda_mm.apis import PreflightError
from segda_mm.apis.checks import require_data
from segda_mm.datasets import (
    RareClassDataset,
    UnlabeledImageDataset,
)
from segda_mm.registry import DATASETS

CLASSES = ('road', 'car', 'rider', 'train')
TASK = dict(classes=CLASSES, palette=[[1, 1, 1], [2, 2, 2], [3, 3, 3], [4, 4, 4]])


def rare(dataset, temperature=0.5, min_pixels_share=0.1, **kwargs):
    dataset = RareClassDataset(dataset, temperature, min_pixels_share, **kwargs)
    dataset.full_init()
    return dataset


def softmax(shares, temperature):
    powers = [math.exp((1 - share) / temperature) for share in shares]
    return [power / sum(powers) for power in powers]


def test_images_are_drawn_as_often_as_by_hand(rare_streets):
    """Rider has 1 of 20 pixels at most, less than 0.1; train has none."""
    dataset = rare(rare_streets())
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


def test_every_image_with_a_pixel_shows_the_class_at_a_share_of_zero(rare_streets):
    dataset = rare(rare_streets(), temperature=0.01, min_pixels_share=0)
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
    dataset = rare(rare_streets(), min_pixels_share=0.41)
    assert dataset.class_images[0].tolist() == [0, 1, 2]


def paired(rare_root, rare_streets):
    """What a config of two domains trains on, around the rare classes."""
    pack = dict(type='PackSegInputs')
    flip = dict(type='RandomFlip', prob=0.5)
    source = RareClassDataset(rare_streets(augmentation=[flip, pack]), 5, 0.1)
    target = UnlabeledImageDataset(
        images=str(rare_root / 'images'),
        pipeline=[dict(type='LoadImageFromFile'), pack],
        serialize_data=False,
    )
    pair = dict(type='DomainPairDataset', source=source, target=target)
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


def test_items_depend_on_seed_epoch_and_index_alone(rare_root, rare_streets):
    dataset = paired(rare_root, rare_streets)
    dataset.full_init()
    epochs = [items(dataset, epoch) for epoch in range(5)]
    assert same(epochs[2], items(dataset, 2, workers=2))
    # Cut and resumed by another process, which counts when it draws.
    assert same(
        epochs[4][2:], items(paired(rare_root, rare_streets), 4, indices=[2, 3])
    )
    assert not same(epochs[0], epochs[1])
    assert len({item[0] for epoch in epochs for item in epoch}) > 2
    # The targets are still walked through.
    assert all(len({item[1] for item in epoch}) == 4 for epoch in epochs)


def test_data_sets_without_labels_are_refused_before_the_training(rare_root):
    images = dict(
        type='UnlabeledImageDataset',
        images=str(rare_root / 'images'),
        metainfo=TASK,
        pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadPseudoLabels')],
    )
    rare = dict(type='RareClassDataset', dataset=images, temperature=0.01)
    rare['min_pixels_share'] = 0.001
    cfg = Config(dict(train_dataloader=dict(dataset=rare)))
    with pytest.raises(PreflightError) as caught:
        require_data(cfg, ('train_dataloader',))
    message = str(caught.value)
    assert message.startswith('train_dataloader: RareClassDataset.dataset is a ')
    assert 'UnlabeledImageDataset whose pipeline reads no label files' in message
    assert 'LoadLabelIds' in message


def test_wrong_arguments(rare_root, rare_streets):
    dataset, exclude = rare_streets(), rare_root / 'exclude.txt'
    exclude.write_text('a/0.png\na/2.png\na/3.png\n')
    with pytest.raises(ValueError, match='temperature=0 of RareClassDataset'):
        RareClassDataset(dataset, 0, 0.1)
    with pytest.raises(ValueError, match='min_pixels_share=3000 of RareClass'):
        RareClassDataset(dataset, 0.01, 3000)
    with pytest.raises(ValueError, match=r'no image .*min_pixels_share=1.0 .*lower'):
        # The only image has two classes.
        rare(rare_streets(exclude=str(exclude)), min_pixels_share=1.0)
