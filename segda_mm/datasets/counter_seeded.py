from __future__ import annotations

import random

import numpy as np
import torch
from mmengine.dataset import BaseDataset

from segda_mm.registry import DATASETS


@DATASETS.register_module()
class CounterSeededDataset:
    """Makes every sample depend on (seed, epoch, index) alone.

    The generators of Python, NumPy and PyTorch (CPU) are seeded before a sample
    is fetched and put back afterwards, so that augmentations depend neither on
    the number of workers nor on where a run was interrupted.

    Args:
        dataset: The data set to wrap, or its config.
    """

    def __init__(self, dataset: dict | BaseDataset) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        self._epoch = 0
        self._seed = 0

    @property
    def metainfo(self) -> dict:
        """The metainfo of the wrapped data set."""
        return self.dataset.metainfo

    def full_init(self) -> None:
        """Load the list of samples, if it is not loaded yet."""
        self.dataset.full_init()

    def set_epoch(self, epoch: int, seed: int) -> None:
        """Say which epoch's samples are fetched next, and the run's seed."""
        self._epoch = epoch
        self._seed = seed
        if hasattr(self.dataset, 'set_epoch'):
            self.dataset.set_epoch(epoch, seed)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, idx: int) -> object:
        states = (
            random.getstate(),
            np.random.get_state(),
            torch.random.get_rng_state(),
        )
        words = np.random.SeedSequence((self._seed, self._epoch, idx)).generate_state(6)
        random.seed(int(words[0]))
        # Augmentations draw from NumPy's legacy generator.
        np.random.seed(words[1:5])
        # Not torch.manual_seed: it would also seed the GPUs, for good.
        torch.default_generator.manual_seed(int(words[5]))
        try:
            return self.dataset[idx]
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
            torch.random.set_rng_state(states[2])
