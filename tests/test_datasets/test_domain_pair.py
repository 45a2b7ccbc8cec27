from __future__ import annotations

from collections import Counter

import pytest

from segda_mm.datasets import DomainPairDataset, GTA5Dataset
from segda_mm.registry import DATASETS


class Numbers:
    """A data set of the numbers below ``size``."""

    def __init__(self, size: int, **metainfo) -> None:
        self.size = size
        task = {'classes': ('a', 'b'), 'palette': [[0, 0, 0], [1, 1, 1]]}
        self.metainfo = {**task, **metainfo}

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, idx: int) -> int:
        return range(self.size)[idx]


def epoch_of(pair, epoch, seed=0):
    pair.set_epoch(epoch, seed)
    return [pair[i] for i in range(len(pair))]


@pytest.mark.parametrize('length', ['source', 'target'])
@pytest.mark.parametrize(('leading', 'others'), [(5, 3), (3, 7), (4, 4), (3, 9)])
def test_partners_are_drawn_equally_often_across_epochs(length, leading, others):
    sizes = (leading, others) if length == 'source' else (others, leading)
    pair = DomainPairDataset(*map(Numbers, sizes), length)
    assert len(pair) == leading
    with pytest.raises(IndexError):
        pair[leading]
    partner = {'source': 'target', 'target': 'source'}[length]
    drawn = []
    for epoch in range(10):
        items = epoch_of(pair, epoch)
        assert [item[length] for item in items] == list(range(leading))
        drawn += [item[partner] for item in items]
        counts = Counter(drawn)
        times = [counts[i] for i in range(others)]
        assert max(times) - min(times) <= 1
    starts = range(0, len(drawn) - others + 1, others)
    assert len({tuple(drawn[start : start + others]) for start in starts}) > 1


def test_pairing_depends_on_seed_and_epoch_alone():
    pair = DomainPairDataset(Numbers(30), Numbers(30), 'source')
    first = epoch_of(pair, 4, seed=7)
    epoch_of(pair, 0, seed=7)
    pair.set_epoch(4, 7)
    assert [pair[i] for i in reversed(range(30))][::-1] == first
    assert epoch_of(pair, 4, seed=8) != first
    assert epoch_of(pair, 5, seed=7) != first


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


def test_other_classes_are_refused():
    other = dict(classes=('a', 'c'), palette=[[0, 0, 0], [2, 1, 1]])
    for key, value in other.items():
        with pytest.raises(ValueError, match=f'different {key}'):
            DomainPairDataset(Numbers(5), Numbers(3, **{key: value}))
