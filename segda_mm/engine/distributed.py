"""Training in several processes, on GPUs and on CPUs."""

import math
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import torch
from mmengine.dist import (
    all_gather_object,
    barrier,
    broadcast,
    get_world_size,
    init_dist,
    is_distributed,
)
from mmengine.model import is_model_wrapper
from torch import Tensor, nn

from segda_mm.engine.process_wide import share_batch_statistics, share_loss_averages
from segda_mm.registry import MODEL_WRAPPERS

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


# The Runner looks wrappers up in MMEngine's own registry whatever the default
# scope is, so that a name registered with MMSegmentation would not be found.
@MODEL_WRAPPERS.root.register_module()
class PassThroughDistributed(nn.Module):
    """Hold the same model in every process and pass calls through.

    Gradients are averaged by ``GradientAveragingOptimWrapper`` at the step of
    each optimizer. Parameters and buffers start as those of rank 0. Buffers,
    such as the running statistics of batch normalization, are set to those of
    rank 0 after every training step: all processes then validate and label
    with one and the same network, and a checkpoint, which rank 0 writes, holds
    all there is to resume from.

    Args:
        module: The model, with ``train_step``, ``val_step`` and ``test_step``.
        process_wide_batch_norm: Normalise in training by the statistics of the
            batches of all processes, see :class:`ProcessWideBatchNorm`.
    """

    def __init__(
        self, module: nn.Module, process_wide_batch_norm: bool = False
    ) -> None:
        super().__init__()
        self.module = module
        if process_wide_batch_norm:
            share_batch_statistics(module)
        share_loss_averages(module)
        _broadcast([p.data for p in module.parameters()])
        _broadcast(list(module.buffers()))

    def train_step(self, *args, **kwargs) -> dict[str, Tensor]:
        """Run the model's training step, then share the buffers of rank 0.

        Returns:
            The model's figures, each the mean over processes: what is logged
            is of the whole batch. Where one is not finite each process returns
            its own, which tell whose images are to blame.
        """
        log_vars = self.module.train_step(*args, **kwargs)
        _broadcast(list(self.module.buffers()))
        return _mean_over_processes(log_vars)

    def val_step(self, *args, **kwargs) -> list:
        """Run the model's validation step."""
        return self.module.val_step(*args, **kwargs)

    def test_step(self, *args, **kwargs) -> list:
        """Run the model's test step."""
        return self.module.test_step(*args, **kwargs)

    def forward(self, *args, **kwargs):
        """Run the model's forward pass."""
        return self.module(*args, **kwargs)


def _mean_over_processes(log_vars: dict[str, Tensor]) -> dict[str, Tensor]:
    """Average every figure over the processes that have it."""
    if get_world_size() == 1:
        return log_vars
    # By name: processes may disagree on what there is to log.
    gathered = all_gather_object(
        {key: float(value.detach()) for key, value in log_vars.items()}
    )
    if not all(math.isfinite(value) for part in gathered for value in part.values()):
        return log_vars
    means = {}
    for key in dict.fromkeys(key for part in gathered for key in part):
        values = [part[key] for part in gathered if key in part]
        means[key] = torch.tensor(sum(values) / len(values))
    return means


def _broadcast(tensors: list[Tensor]) -> None:
    """Overwrite the tensors of all ranks by those of rank 0, in place."""
    if get_world_size() == 1:
        return
    kinds: dict[tuple, list[Tensor]] = {}
    for tensor in tensors:
        kinds.setdefault((tensor.dtype, tensor.device), []).append(tensor)
    for members in kinds.values():
        flat = torch.cat([tensor.flatten() for tensor in members])
        broadcast(flat)
        parts = flat.split([tensor.numel() for tensor in members])
        for tensor, part in zip(members, parts):
            tensor.copy_(part.view_as(tensor))
