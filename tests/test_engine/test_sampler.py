"""The order of an epoch, from its front and from its middle."""

import pytest
from torch.utils.data import DataLoader

from segda_mm.engine import ResumableSampler


def test_start_leaves_out_the_front_only():
    sampler = ResumableSampler(range(10), shuffle=True, seed=5)
    sampler.set_epoch(3)
    whole = list(sampler)
    assert sorted(whole) == list(range(10))
    sampler.start = 4
    assert list(sampler) == whole[4:]
    sampler.start = 10
    assert list(sampler) == []


@pytest.mark.parametrize('start', [0, 4])
def test_batches_of_the_epoch_are_counted(start):
    sampler = ResumableSampler(range(10), shuffle=False, seed=5)
    sampler.start = start
    loader = DataLoader(range(10), batch_size=2, sampler=sampler)
    assert len(loader) == 5
    assert [batch.tolist() for batch in loader][-1] == [8, 9]
