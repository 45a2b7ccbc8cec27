"""The group of processes that train together, on GPUs and on CPUs."""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import torch
from mmengine.dist import barrier, init_dist, is_distributed
from mmengine.model import is_model_wrapper
from torch import nn

BACKENDS = ('nccl', 'gloo')


def initialize_process_group(
    launcher: str, env_cfg: Mapping[str, Any] | None = None
) -> None:
    """Join this process to the group that its launcher has started.

    Must run before a Runner is built: MMEngine's own start-up needs a GPU.
    Other launchers than ``'pytorch'`` (``torchrun``), and a group that already
    exists, are left to the Runner.

    A process that dies closes its connections, and the others fail at once. One
    that stands still does not: the others then fail after the timeout.

    Args:
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        env_cfg: The config's, of which ``dist_cfg`` is looked at: ``backend``
            is ``'nccl'`` (default; on a machine without CUDA gloo is taken
            instead) or ``'gloo'``; ``timeout`` is the seconds that a process
            waits for the others within one exchange (PyTorch's default: 600
            with NCCL, 1800 with gloo); what else there is goes to
            :func:`torch.distributed.init_process_group`.

    Raises:
        RuntimeError: ``launcher`` is ``'pytorch'``, but the process was not
            started by ``torchrun``.
        ValueError: ``backend`` or ``timeout`` is none of these.
    """
    if launcher != 'pytorch' or is_distributed():
        return
    missing = [
        name
        for name in ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT')
        if name not in os.environ
    ]
    if missing:
        raise RuntimeError(
            f"launcher is 'pytorch', but {', '.join(missing)} is not set in "
            'the environment; start with `torchrun --nproc_per_node=N '
            'tools/train.py CONFIG --launcher pytorch`'
        )
    options = dict((env_cfg or {}).get('dist_cfg') or {})
    backend = options.pop('backend', 'nccl')
    if backend not in BACKENDS:
        raise ValueError(
            f'env_cfg.dist_cfg.backend is {backend!r}, but must be one of {BACKENDS}'
        )
    timeout = options.pop('timeout', None)
    if timeout is not None and not (isinstance(timeout, int | float) and timeout > 0):
        raise ValueError(
            f'env_cfg.dist_cfg.timeout is {timeout!r}, but must be a number of '
            'seconds above 0'
        )
    if torch.cuda.is_available():
        init_dist('pytorch', backend=backend, timeout=timeout, **options)
    else:
        torch.distributed.init_process_group(
            'gloo',
            timeout=None if timeout is None else timedelta(seconds=timeout),
            **options,
        )


def leave_process_group() -> None:
    """Leave the group once every process is done.

    A process that exits while others still talk to it is aborted by gloo now
    and then, and ``torchrun`` then reports a failed run. Does nothing in a
    single process.
    """
    if is_distributed():
        barrier()
        torch.distributed.destroy_process_group()


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside of its wrapper, if it has one."""
    return model.module if is_model_wrapper(model) else model
