"""Checkpoints of plain types, replaced only once their successors are whole."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from mmengine.hooks import CheckpointHook, Hook
from mmengine.logging import HistoryBuffer
from mmengine.runner import Runner
from torch import nn

from segda_mm.registry import HOOKS

_BUFFER_KEYS = {'log_history', 'count_history', 'max_length'}

#: Weights are tensors already, and their order and versions are in their type.
_WEIGHTS = ('state_dict', 'ema_state_dict')

_NUMBERS = (type(None), bool, int, float, complex, str, bytes)
_OF_TORCH = (torch.Tensor, nn.Parameter, torch.Size, torch.dtype, torch.device)


@HOOKS.register_module()
class PlainCheckpointHook(Hook):
    """Make checkpoints readable by ``torch.load(..., weights_only=True)``.

    NumPy scalars and ``HistoryBuffer`` objects of MMEngine are written as Python
    numbers and tensors, and turned back into buffers when a run is resumed.
    """

    priority = 'LOWEST'

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Replace everything that is not plain, in place."""
        for key in checkpoint.keys() - set(_WEIGHTS):
            checkpoint[key] = _to_plain(checkpoint[key], key)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Restore the logged histories, in place."""
        scalars = checkpoint.get('message_hub', {}).get('log_scalars', {})
        for key, value in scalars.items():
            if isinstance(value, dict) and value.keys() == _BUFFER_KEYS:
                scalars[key] = HistoryBuffer(
                    value['log_history'].cpu().numpy(),
                    value['count_history'].cpu().numpy(),
                    value['max_length'],
                )


def _to_plain(value: Any, place: str) -> Any:
    if isinstance(value, HistoryBuffer):
        log_history, count_history = value.data
        return dict(
            log_history=torch.from_numpy(np.array(log_history)),
            count_history=torch.from_numpy(np.array(count_history)),
            max_length=value.max_length,
        )
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return {
            _to_plain(key, place): _to_plain(entry, f'{place}.{key}')
            for key, entry in value.items()
        }
    if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
        # Also those with names, whose class would have to be imported.
        sequence = tuple if isinstance(value, tuple) else list
        return sequence(
            _to_plain(entry, f'{place}.{index}') for index, entry in enumerate(value)
        )
    if isinstance(value, (set, frozenset)):
        return {_to_plain(entry, place) for entry in value}
    if type(value) not in (*_NUMBERS, *_OF_TORCH):
        raise TypeError(
            f'the checkpoint entry {place} is a {type(value).__name__}, which could '
            'not be read back without running code of the file; store numbers, texts, '
            'tensors, and lists or dicts of them there'
        )
    return value


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """MMEngine's ``CheckpointHook``, which deletes one only after its successor.

    A kill or a full disk between the two would leave none.
    """

    def _save_checkpoint(self, runner: Runner) -> None:
        with self._removing_last():
            super()._save_checkpoint(runner)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        # Set at the begin of a training; without one there is no place to save at.
        if not hasattr(self, 'file_backend'):
            return
        with self._removing_last():
            super()._save_best_checkpoint(runner, metrics)

    @contextmanager
    def _removing_last(self) -> Iterator[None]:
        backend = self.file_backend
        self.file_backend = late = _LateRemoval(backend)
        try:
            yield
        finally:
            self.file_backend = backend
        kept = {
            getattr(self, 'last_ckpt', None),
            getattr(self, 'best_ckpt_path', None),
            *getattr(self, 'best_ckpt_path_dict', {}).values(),
        }
        for remove, path in late.removals:
            # A resumed run may have written a file of the same name anew.
            if path not in kept:
                remove(path)


class _LateRemoval:
    """A file backend that notes what is to be removed."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.removals: list[tuple[Callable, str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def remove(self, path: str) -> None:
        self.removals.append((self._backend.remove, path))

    def rmtree(self, path: str) -> None:
        self.removals.append((self._backend.rmtree, path))
