from __future__ import annotations

import random
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from segda_mm.datasets import CounterSeededDataset
from segda_mm.registry import DATASETS


class Draws:
    """Every sample is one draw from each of the three generators."""

    metainfo = {'classes': ('a',)}

    def __init__(self) -> None:
        self.epochs = []

    def set_epoch(self, epoch: int, seed: int) -> None:
        self.epochs.append((epoch, seed))

    def __len__(self) -> int:
        return 6

    def __getitem__(self, idx: int) -> tuple:
        return random.random(), np.random.rand(), torch.rand(()).item()


def fetch(workers=0, epoch=3, seed=11, indices=range(6)):
    dataset = CounterSeededDataset(Draws())
    dataset.set_epoch(epoch, seed)
    loader = DataLoader(
        dataset, sampler=indices, num_workers=workers, collate_fn=lambda x: x[0]
    )
    return list(loader)


def test_samples_depend_on_seed_epoch_and_index_alone():
    samples = fetch()
    assert samples == fetch() == fetch(workers=2)
    assert samples[4:] == fetch(indices=[4, 5])
    for position in range(3):
        assert len({sample[position] for sample in samples}) == 6
    assert not set(samples) & set(fetch(epoch=4))
    assert not set(samples) & set(fetch(seed=12))


@pytest.mark.parametrize('fails', [False, True])
def test_surrounding_generators_are_left_alone(fails):
    class Failing(Draws):
        def __getitem__(self, idx):
            if fails:
                raise KeyError('no')
            return super().__getitem__(idx)

    def state():
        kind, keys, *rest = np.random.get_state()
        numpy_state = (kind, keys.tolist(), rest)
        return random.getstate(), numpy_state, torch.get_rng_state().tolist()

    before = state()
    with pytest.raises(KeyError) if fails else nullcontext():
        CounterSeededDataset(Failing())[2]
    assert state() == before


def test_augmented_pairs_do_not_depend_on_the_workers(gta5_root, cityscapes_root):
    augmentation = [
        {'type': 'RandomCrop', 'crop_size': (4, 4), 'cat_max_ratio': 0.75},
        {'type': 'RandomFlip', 'prob': 0.5},
        {'type': 'PhotoMetricDistortion'},
        {'type': 'PackSegInputs'},
    ]
    image = {'type': 'LoadImageFromFile'}
    target = {'type': 'CityscapesImagesDataset', 'data_root': str(cityscapes_root)}
    drawn = {'images': target, 'prob': 0.5}
    style = [
        {'type': 'FourierStyle', 'beta': 0.1, **drawn},
        {'type': 'ColorStatistics', 'strength': (0, 1), **drawn},
    ]
    source = {
        'type': 'GTA5Dataset',
        'data_root': str(gta5_root),
        'pipeline': [image, {'type': 'LoadLabelIds'}, *style, *augmentation],
    }
    target = {
        **target,
        'pipeline': [image, {'type': 'LoadPseudoLabels'}, *augmentation],
    }
    pair = {'type': 'DomainPairDataset', 'source': source, 'target': target}
    dataset = DATASETS.build({'type': 'CounterSeededDataset', 'dataset': pair})
    dataset.full_init()

    def epoch(number, workers):
        dataset.set_epoch(number, seed=1)
        loader = DataLoader(
            dataset, batch_size=2, num_workers=workers, collate_fn=pseudo_collate
        )
        return [
            torch.stack(batch[domain]['inputs'])
            for batch in loader
            for domain in ('source', 'target')
        ]

    alone = epoch(2, workers=0)
    assert all(map(torch.equal, alone, epoch(2, workers=2)))
    assert not any(map(torch.equal, alone, epoch(3, workers=0)))
