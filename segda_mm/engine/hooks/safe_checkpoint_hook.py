"""Checkpoints that replace others only once they are whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from segda_mm.registry import HOOKS


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """MMEngine's ``CheckpointHook``, which deletes one only after its successor.

    MMEngine deletes the best checkpoint so far, and the oldest of
    ``max_keep_ckpts``, before it writes the new one: a kill or a full disk in
    between leaves none. Takes the arguments of
    :class:`mmengine.hooks.CheckpointHook`. ``runner.val()`` without a training
    saves nothing.
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
