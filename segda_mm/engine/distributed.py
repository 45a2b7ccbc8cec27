"""The group of processes that train together, on GPUs and on CPUs."""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import torch
from mmengine.dist import barrier, init_dist, is_distributed
from mmengine.model import is_model_wrapper
from torch import nn


def initialize_process_group(
    launcher: str, env_cfg: Mapping[str, Any] | None = None
) -> None:
    """Join this process to the group that its launcher has started.

    Must run before a Runner is built: MMEngine's own start-up needs a GPU. Other
    launchers than ``'pytorch'`` (``torchrun``), and a group that already exists,
    are left to the Runner.

    Args:
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        env_cfg: Of its ``dist_cfg``, ``backend`` is ``'nccl'`` (default; without CUDA
            gloo is taken) or ``'gloo'``, and ``timeout`` the seconds that a process
            waits for the others within one exchange.

    Raises:
        RuntimeError: The process was not started by ``torchrun``.
    """
    if launcher != 'pytorch' or is_distributed():
        return
    names = ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT')
    missing = [name for name in names if name not in os.environ]
    if missing:
        raise RuntimeError(
            f"launcher is 'pytorch', but {', '.join(missing)} is not set in "
            'the environment; start with `torchrun --nproc_per_node=N '
            '-m segda_cli train CONFIG --launcher pytorch`'
        )
    options = dict((env_cfg or {}).get('dist_cfg') or {})
    backend = options.pop('backend', 'nccl')
    if torch.cuda.is_available():
        init_dist('pytorch', backend=backend, **options)
    else:
        if options.get('timeout') is not None:
            options['timeout'] = timedelta(seconds=options['timeout'])
        torch.distributed.init_process_group('gloo', **options)


def leave_process_group() -> None:
    """Leave the group once every process is done; gloo may abort one that does not."""
    if is_distributed():
        barrier()
        torch.distributed.destroy_process_group()


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside of its wrapper, if it has one."""
    return model.module if is_model_wrapper(model) else model
