from __future__ import annotations

from collections import Counter

import pytest

from segda_mm.datasets import DomainPairDataset, GTA5Dataset
from segda_mm.registry import DATASETS


class Numbers:
    """A data set of the numbers below ``size``."""

    metainfo = {'classes': ('a', 'b'), 'palette': [[0, 0, 0], [1, 1, 1]]}

    def __init__(self, size: int, **metainfo) -> None:
        self.size = size
        self.metainfo = {**self.metainfo, **metainfo}

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, idx: int) -> int:
        return range(self.size)[idx]


def epoch_of(pair, epoch, seed=0):
    pair.set_epoch(epoch, seed)
    return [pair[i] for i in range(len(pair))]


@pytest.mark.parametrize(('length', 'expected'), [('source', 5), ('target', 3)])
def test_length_of_an_epoch(length, expected):
    pair = DomainPairDataset(Numbers(5), Numbers(3), length)
    assert len(pair) == expected
    with pytest.raises(IndexError):
        pair[expected]
    with pytest.raises(ValueError, match='sum'):
        DomainPairDataset(Numbers(5), Numbers(3), 'sum')


@pytest.mark.parametrize(('source', 'target'), [(5, 3), (3, 7), (4, 4)])
def test_partners_are_drawn_equally_often_across_epochs(source, target):
    pair = DomainPairDataset(Numbers(source), Numbers(target), 'source')
    drawn = []
    for epoch in range(10):
        items = epoch_of(pair, epoch)
        assert [item['source'] for item in items] == list(range(source))
        drawn += [item['target'] for item in items]
        counts = Counter(drawn)
        times = [counts[i] for i in range(target)]
        assert max(times) - min(times) <= 1
    cycles = [
        tuple(drawn[i : i + target]) for i in range(0, len(drawn) - target + 1, target)
    ]
    assert len(set(cycles)) > 1


def test_pairing_depends_on_seed_and_epoch_alone():
    pair = DomainPairDataset(Numbers(30), Numbers(30), 'source')
    first = epoch_of(pair, 4, seed=7)
    epoch_of(pair, 0, seed=7)
    pair.set_epoch(4, 7)
    assert [pair[i] for i in reversed(range(30))][::-1] == first
    assert epoch_of(pair, 4, seed=8) != first
    assert epoch_of(pair, 5, seed=7) != first


def test_target_leads():
    pair = DomainPairDataset(Numbers(9), Numbers(3), 'target')
    items = epoch_of(pair, 0) + epoch_of(pair, 1) + epoch_of(pair, 2)
    assert sorted(item['source'] for item in items) == list(range(9))
    assert [item['target'] for item in items] == [0, 1, 2] * 3


def test_builds_from_config_and_shares_the_classes(gta5_root):
    source = {'type': 'GTA5Dataset', 'data_root': str(gta5_root)}
    images = str(gta5_root / 'images')
    # A target needs no classes.
    target = {'type': 'UnlabeledImageDataset', 'images': images}
    pair = DATASETS.build(
        {'type': 'DomainPairDataset', 'source': source, 'target': target}
    )
    assert isinstance(pair.source, GTA5Dataset)
    assert len(pair.metainfo['classes']) == 19
    assert pair[0]['target']['img_path'].startswith(images)


@pytest.mark.parametrize(
    ('key', 'value'),
    [('classes', ('a', 'c')), ('palette', [[0, 0, 0], [2, 1, 1]])],
)
def test_other_classes_are_refused(key, value):
    with pytest.raises(ValueError, match=f'different {key}'):
        DomainPairDataset(Numbers(5), Numbers(3, **{key: value}))
