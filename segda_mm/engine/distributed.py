"""Start the communication between processes, on GPUs and on CPUs."""
import os

import torch
from mmengine.dist import barrier, init_dist, is_distributed


def initialize_process_group(launcher: str) -> None:
    """Join this process to the group that its launcher has started.

    Must run before a Runner is built: MMEngine's own start-up needs a GPU.
    With ``launcher='pytorch'`` (``torchrun``) the backend is NCCL where CUDA
    is available and gloo on a CPU. Other launchers, and a group that already
    exists, are left to the Runner.

    Args:
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Raises:
        RuntimeError: ``launcher`` is ``'pytorch'``, but the process was not
            started by ``torchrun``.
    """
    if launcher != 'pytorch' or is_distributed():
        return
    missing = [
        name for name in ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR',
                          'MASTER_PORT') if name not in os.environ
    ]
    if missing:
        raise RuntimeError(
            f"launcher is 'pytorch', but {', '.join(missing)} is not set in "
            'the environment; start with `torchrun --nproc_per_node=N '
            'tools/train.py CONFIG --launcher pytorch`')
    if torch.cuda.is_available():
        init_dist('pytorch', backend='nccl')
    else:
        torch.distributed.init_process_group('gloo')


def leave_process_group() -> None:
    """Leave the group once every process is done.

    A process that exits while others still talk to it is aborted by gloo now
    and then, and ``torchrun`` then reports a failed run. Does nothing in a
    single process.
    """
    if is_distributed():
        barrier()
        torch.distributed.destroy_process_group()
