"""An epoch loop whose resumed runs equal uninterrupted ones."""

import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from mmengine.dataset import DefaultSampler
from mmengine.dist import broadcast, get_rank
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

from segda_mm.engine.distributed import unwrapped
from segda_mm.registry import DATA_SAMPLERS, LOOPS

# Keeps the numbers drawn in a step apart from those drawn for a sample, which
# are seeded from the same run seed.
_STEP_STREAM = 0x57E9


@DATA_SAMPLERS.register_module()
class ResumableSampler(DefaultSampler):
    """MMEngine's epoch sampler, which can begin in the midst of an epoch.

    Its length stays that of the whole epoch.

    Args:
        per_epoch: Samples of an epoch and process, drawn anew from the whole data set
            in each epoch; None, or more than there are, for all.
        kwargs: Arguments of :class:`mmengine.dataset.DefaultSampler`.
    """

    #: Number of this rank's samples to leave out at the front; set by the loop.
    start = 0

    def __init__(self, *args: Any, per_epoch: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if per_epoch is not None:
            self.num_samples = min(self.num_samples, per_epoch)

    def __iter__(self) -> Iterator[int]:
        """Iterate the indices of this rank, from ``start`` on."""
        return islice(super().__iter__(), self.start, self.num_samples)


@LOOPS.register_module()
class ResumableEpochTrainLoop(EpochBasedTrainLoop):
    """Train by epochs; resume exactly, also in the middle of an epoch.

    Every random number is drawn from a generator seeded by a *counter*: a sample by
    (seed, epoch, index) through ``CounterSeededDataset``, a step by (seed, iteration,
    rank). A run that was killed and resumed from any checkpoint therefore repeats the
    remaining steps of the uninterrupted run bit for bit on a CPU, with any number of
    data loader workers.

    A checkpoint written at the last iteration of an epoch precedes that epoch's end
    (schedulers, validation), one written by epoch precedes its validation: what is
    still due is done first after resuming.

    Takes the arguments of :class:`EpochBasedTrainLoop`. The ``dataset`` of a config of
    a data loader is wrapped into ``CounterSeededDataset``; a built one must hold such.

    Raises:
        ValueError: The data loader cannot be resumed; the message names the key.
        TypeError: The model waits for ``set_progress``, or the loop has it to tell.
    """

    #: Whether the loop calls ``set_progress`` of its model.
    tells_progress = False

    def __init__(
        self, runner: Runner, dataloader: DataLoader | dict, *args: Any, **kwargs: Any
    ) -> None:
        if isinstance(dataloader, dict):
            dataset = dataloader['dataset']
            if (
                isinstance(dataset, dict)
                and dataset.get('type') != 'CounterSeededDataset'
            ):
                dataset = dict(type='CounterSeededDataset', dataset=dataset)
            dataloader = {**dataloader, 'dataset': dataset}
        super().__init__(runner, dataloader, *args, **kwargs)
        _check_resumable(self.dataloader)
        model = unwrapped(runner.model)
        if hasattr(model, 'set_progress') != self.tells_progress:
            has = 'has no' if self.tells_progress else 'waits for'
            other = 'ResumableEpochTrainLoop' if self.tells_progress else 'MPLTrainLoop'
            raise TypeError(
                f'train_cfg.type is {type(self).__name__!r}, but the model '
                f'{type(model).__name__} {has} `set_progress`; use '
                f"train_cfg.type='{other}'"
            )

    def run(self) -> nn.Module:
        """Train to the end, validate where it is due, and return the model."""
        # Not the constructor: resuming may bring the checkpoint's seed. Not
        # the rank's own seed: all ranks must shuffle alike.
        seed = torch.tensor(self.runner.seed)
        broadcast(seed)
        self._seed = int(seed)

        self.runner.call_hook('before_train')
        self._validate_if_due()
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._validate_if_due()
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Run what is left of the current epoch, and its end."""
        batches = len(self.dataloader)
        first = self._iter - self._epoch * batches
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()

        self.dataloader.dataset.set_epoch(self._epoch, self._seed)
        sampler = self.dataloader.sampler
        sampler.seed = self._seed
        sampler.set_epoch(self._epoch)
        sampler.start = first * self.dataloader.batch_size
        # Resumed at the very end of an epoch, no worker need be started.
        if first < batches:
            for idx, data_batch in enumerate(self.dataloader, start=first):
                self.run_iter(idx, data_batch)

        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def run_iter(self, idx: int, data_batch: Sequence[dict] | dict) -> None:
        """Run one step with the random numbers of its iteration."""
        seeds = np.random.SeedSequence(
            (self._seed, _STEP_STREAM, self._iter, get_rank())
        )
        numpy_seed, torch_seed, python_seed = map(int, seeds.generate_state(3))
        random.seed(python_seed)
        np.random.seed(numpy_seed)
        torch.manual_seed(torch_seed)
        super().run_iter(idx, data_batch)

    def _validate_if_due(self) -> None:
        """Validate after an epoch, unless the resumed run already had."""
        self._decide_current_val_interval()
        due = (
            self.runner.val_loop is not None
            and self._iter == self._epoch * len(self.dataloader) > 0
            and self._epoch >= self.val_begin
            and (
                self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs
            )
        )
        # Noted before it runs: a checkpoint of the best score is written at
        # its end and must tell that this validation is done.
        hub = self.runner.message_hub
        if due and hub.get_info('validated_epoch') != self._epoch:
            hub.update_info('validated_epoch', self._epoch)
            self.runner.val_loop.run()


def _check_resumable(dataloader: DataLoader) -> None:
    if not isinstance(dataloader.sampler, ResumableSampler):
        raise ValueError(
            f'train_dataloader.sampler is a {type(dataloader.sampler).__name__}, but '
            'a run that can be resumed exactly needs train_dataloader.sampler='
            "dict(type='ResumableSampler', shuffle=True) and no batch_sampler"
        )
    if dataloader.persistent_workers:
        raise ValueError(
            'train_dataloader.persistent_workers is True, but persistent workers never '
            'learn of the next epoch and would repeat the augmentations of the first; '
            'set it to False'
        )
    if len(dataloader) == 0:
        raise ValueError(
            f'an epoch has no batch: train_dataloader.dataset has '
            f'{len(dataloader.dataset)} samples, train_dataloader.batch_size is '
            f'{dataloader.batch_size} and drop_last is {dataloader.drop_last}; lower '
            'the batch size or add images'
        )
