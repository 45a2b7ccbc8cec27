"""MMEngine's reading of checkpoints, made safe for as long as we call it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from mmengine.runner import CheckpointLoader

from segda_mm.models.checkpoints import read_checkpoint

_lock = threading.Lock()
_users = 0
_loader_of_mmengine = None


@contextmanager
def only_plain_checkpoints() -> Iterator[None]:
    """Let MMEngine read every checkpoint through :func:`read_checkpoint`.

    ``init_cfg=dict(type='Pretrained', ...)``, ``pretrained=`` and the backbones of
    mmseg that load weights themselves all end in ``CheckpointLoader``, which reads
    a file that is no plain one once more with an unpickler that runs code, and
    fetches URLs without a look at their hash. Within this context there is no way
    from it to either. What such an ``init_cfg`` means otherwise is left as users
    of mmseg know it: weights that do not fit are logged and passed over, as the
    classifier in a file of torchvision; ``StrictPretrained`` is the strict one.

    It holds for all threads of the process, and ends with the outermost context:
    a notebook that uses MMEngine beside this package finds it unchanged. Also a
    decorator.
    """
    global _users, _loader_of_mmengine
    with _lock:
        if _users == 0:
            _loader_of_mmengine = vars(CheckpointLoader)['load_checkpoint']
            CheckpointLoader.load_checkpoint = staticmethod(_load)
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                CheckpointLoader.load_checkpoint = _loader_of_mmengine


def _load(
    filename: str,
    map_location: str | torch.device | Callable | None = None,
    logger: str = 'current',
) -> dict:
    return read_checkpoint(filename, 'cpu' if map_location is None else map_location)
