from __future__ import annotations

from functools import lru_cache

import numpy as np
from mmengine.dataset import BaseDataset

from segda_mm.registry import DATASETS

# Keeps the permutations apart from other draws made with the same seed.
_STREAM = 0x9A12


@lru_cache(maxsize=4)
def _permutation(seed: int, cycle: int, size: int) -> np.ndarray:
    generator = np.random.Generator(
        np.random.PCG64(np.random.SeedSequence((seed, _STREAM, cycle)))
    )
    return generator.permutation(size)


@DATASETS.register_module()
class DomainPairDataset:
    """Draws a source and a target sample together, ``dict(source=..., target=...)``.

    An epoch shows each sample of the set that ``length`` names once. The partners
    walk on through permutations of the other set from epoch to epoch: every sample
    is drawn ``k`` times before any is drawn ``k + 1`` times. All depends on (seed,
    epoch, index) alone.

    Args:
        source: The labelled data set, or its config.
        target: The target data set, or its config. Its classes and palette must be
            those of the source, or not be given at all.
        length: ``'source'`` or ``'target'``: whose size is that of an epoch.

    Raises:
        ValueError: ``length`` is unknown, or the classes or palettes differ.
    """

    def __init__(
        self,
        source: dict | BaseDataset,
        target: dict | BaseDataset,
        length: str = 'source',
    ) -> None:
        if length not in ('source', 'target'):
            raise ValueError(
                f"length={length!r} of DomainPairDataset must be 'source' or 'target'"
            )
        self.source, self.target = (
            DATASETS.build(part) if isinstance(part, dict) else part
            for part in (source, target)
        )
        self._check_classes()
        self._epoch = 0
        self._seed = 0
        self._source_leads = length == 'source'

    @property
    def metainfo(self) -> dict:
        """The classes and palette of the source."""
        return self.source.metainfo

    def full_init(self) -> None:
        """Load both lists of samples, if they are not loaded yet."""
        self.source.full_init()
        self.target.full_init()

    def set_epoch(self, epoch: int, seed: int) -> None:
        """Say which epoch's pairs are drawn next, and the seed of the run."""
        self._epoch = epoch
        self._seed = seed

    def indices(self, idx: int) -> tuple[int, int]:
        """Return (source index, target index) of pair ``idx`` now."""
        leader, other = (
            (self.source, self.target)
            if self._source_leads
            else (self.target, self.source)
        )
        drawn = self._epoch * len(leader) + idx
        cycle, position = divmod(drawn, len(other))
        partner = int(_permutation(self._seed, cycle, len(other))[position])
        return (idx, partner) if self._source_leads else (partner, idx)

    def __len__(self) -> int:
        return len(self.source if self._source_leads else self.target)

    def __getitem__(self, idx: int) -> dict:
        if not 0 <= idx < len(self):
            raise IndexError(f'pair {idx} of {len(self)}')
        source, target = self.indices(idx)
        return {'source': self.source[source], 'target': self.target[target]}

    def _check_classes(self) -> None:
        source, target = self.source.metainfo, self.target.metainfo
        for key in ('classes', 'palette'):
            ours, theirs = source.get(key) or (), target.get(key) or ()
            if theirs and [_plain(v) for v in ours] != [_plain(v) for v in theirs]:
                raise ValueError(
                    f'source and target have different {key}: {ours} and '
                    f'{theirs}. Give both data sets the same metainfo, or the '
                    'target none'
                )


def _plain(value: object) -> object:
    return value if isinstance(value, str) else tuple(value)
