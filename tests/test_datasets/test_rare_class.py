from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from segda_mm.apis import PreflightError
from segda_mm.apis.checks.preflight import require_data
from segda_mm.datasets import (
    RareClassDataset,
    UnlabeledImageDataset,
    class_counts,
    rare_class,
)
from segda_mm.registry import DATASETS


def rare(dataset, temperature=0.5, min_pixels_share=0.1, **kwargs):
    dataset = RareClassDataset(dataset, temperature, min_pixels_share, **kwargs)
    dataset.full_init()
    return dataset


def softmax(shares, temperature):
    powers = [math.exp((1 - share) / temperature) for share in shares]
    return [power / sum(powers) for power in powers]


def test_images_are_drawn_as_often_as_by_hand(rare_streets, monkeypatch):
    """Rider has 1 of 20 pixels at most, less than 0.1; train has none."""
    dataset = rare(rare_streets())
    road, car = softmax((62 / 70, 7 / 70), 0.5)
    np.testing.assert_allclose(dataset.class_probabilities, [road, car, 0, 0])
    images = [images.tolist() for images in dataset.class_images]
    assert images == [[0, 1, 2, 3], [1, 3], [], []]

    np.random.seed(0)
    draws = 8000
    monkeypatch.setattr(type(dataset.dataset), '__getitem__', lambda _, index: index)
    counts = np.bincount([dataset[0] for _ in range(draws)])
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
    sample = dataset[0]
    assert sample['img_path'].endswith('a/2.png')
    assert sample['gt_seg_map'].tolist()[-1] == [0, 0, 0, 0, 2]
    assert len(list(dataset)) == len(dataset) == 4
    # The share is one of all pixels, void ones included.
    for share, images in ((0.4, [0, 1, 2, 3]), (0.41, [0, 1, 2])):
        dataset = rare(rare_streets(), min_pixels_share=share)
        assert dataset.class_images[0].tolist() == images


@pytest.fixture
def paired(rare_streets, rare_root):
    """Build what a config of two domains trains on, around the rare classes."""

    def build(**kwargs):
        pack = dict(type='PackSegInputs')
        source = rare_streets([dict(type='RandomFlip', prob=0.5), pack])
        target = UnlabeledImageDataset(
            images=str(rare_root / 'images'),
            pipeline=[dict(type='LoadImageFromFile'), pack],
            serialize_data=False,
        )
        source = RareClassDataset(source, 5, 0.1, **kwargs)
        pair = dict(type='DomainPairDataset', source=source, target=target)
        return DATASETS.build(dict(type='CounterSeededDataset', dataset=pair))

    return build


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


def test_items_depend_on_seed_epoch_and_index_alone(paired, tmp_path):
    dataset = paired()
    dataset.full_init()
    epochs = [items(dataset, epoch) for epoch in range(6)]
    assert same(epochs[2], items(dataset, 2, workers=2))
    # Cut and resumed by another process, which counts when it draws.
    assert same(epochs[4][2:], items(paired(), 4, indices=[2, 3]))
    # With counts that an earlier run has left.
    file = str(tmp_path / 'counts.json')
    paired(statistics_file=file).full_init()
    assert same(epochs[5], items(paired(statistics_file=file), 5))
    assert not same(epochs[0], epochs[1])
    assert len({item[0] for epoch in epochs for item in epoch}) > 2
    # It says what it wraps, and the targets are still walked through.
    assert dataset.metainfo['classes'][0] == 'road'
    assert all(len({item[1] for item in epoch}) == 4 for epoch in epochs)


def wrapped(dataset):
    return dict(
        type='RareClassDataset', dataset=dataset, temperature=1, min_pixels_share=0
    )


def test_classes_are_counted_once_and_told(rare_streets, monkeypatch):
    said = []
    for module in (class_counts, rare_class):
        monkeypatch.setattr(module, 'print_log', lambda text, **_: said.append(text))
    rare(rare_streets())[0]
    assert said[0] == 'Counting the classes in 4 label files'
    (table,) = said[1:]
    probability = softmax((62 / 70, 0.1), 0.5)[1]
    assert f'share 10.000%, drawn with probability {probability:.3%} from 2' in table


def test_data_sets_without_labels_are_refused_before_the_training(rare_root):
    images = dict(type='UnlabeledImageDataset', images=str(rare_root / 'images'))
    pair = dict(type='DomainPairDataset', source=images, target=images)
    both = dict(type='ConcatDataset', datasets=[images])
    for config, key, kind in (
        (images, '', 'UnlabeledImageDataset'),
        (pair, '', 'DomainPairDataset'),
        (both, r'\.datasets\[0\]', 'UnlabeledImageDataset'),
    ):
        cfg = Config(dict(train_dataloader=dict(dataset=wrapped(config))))
        what = f'RareClassDataset.dataset{key} is a {kind} whose pipeline reads no'
        with pytest.raises(PreflightError, match=f'^train_dataloader: {what}'):
            require_data(cfg, ('train_dataloader',))


def test_wrong_arguments(rare_streets, tmp_path):
    dataset, exclude = rare_streets(), tmp_path / 'exclude.txt'
    exclude.write_text('a/0.png\na/2.png\na/3.png\n')
    with pytest.raises(ValueError, match='temperature=0'):
        RareClassDataset(dataset, 0, 0.1)
    with pytest.raises(ValueError, match='min_pixels_share=3000'):
        RareClassDataset(dataset, 0.01, 3000)
    with pytest.raises(ValueError, match=r'no image .*min_pixels_share=1.0 .*lower'):
        # The only image has two classes.
        rare(rare_streets(exclude=str(exclude)), min_pixels_share=1.0)
