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
    walk on through permutations of the other set, from epoch to epoch. All depends
    on (seed, epoch, index) alone.

    Args:
        source: The labelled data set, or its config.
        target: The same of the target, with the same classes and palette or none.
        length: ``'source'`` or ``'target'``: whose size is that of an epoch.
    """

    def __init__(
        self,
        source: dict | BaseDataset,
        target: dict | BaseDataset,
        length: str = 'source',
    ) -> None:
        if length not in ('source', 'target'):
            raise ValueError(f"length={length!r} must be 'source' or 'target'")
        self.source, self.target = (
            DATASETS.build(part) if isinstance(part, dict) else part
            for part in (source, target)
        )
        for key in ('classes', 'palette'):
            ours, theirs = (_plain(part, key) for part in (self.source, self.target))
            if theirs and ours != theirs:
                raise ValueError(
                    f'source and target have different {key}: {ours} and '
                    f'{theirs}. Give both data sets the same metainfo, or the '
                    'target none'
                )
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

    def __len__(self) -> int:
        return len(self.source if self._source_leads else self.target)

    def __getitem__(self, idx: int) -> dict:
        if not 0 <= idx < len(self):
            raise IndexError(f'pair {idx} of {len(self)}')
        others = len(self.target if self._source_leads else self.source)
        cycle, position = divmod(self._epoch * len(self) + idx, others)
        partner = int(_permutation(self._seed, cycle, others)[position])
        source, target = (idx, partner) if self._source_leads else (partner, idx)
        return {'source': self.source[source], 'target': self.target[target]}


def _plain(dataset: BaseDataset, key: str) -> list:
    values = dataset.metainfo.get(key) or ()
    return [value if isinstance(value, str) else tuple(value) for value in values]
