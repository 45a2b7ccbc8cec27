"""From a config to a Runner, and a folder to itself for as long as it runs."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_distributed

from segda_mm.engine.distributed import initialize_process_group
from segda_mm.engine.runner import AdaptationRunner
from segda_mm.errors import FolderInUseError, PreflightError
from segda_mm.files import RunFolderLock
from segda_mm.labeling.processes import Processes
from segda_mm.registry import RUNNERS

from .network_stride import pad_to_stride

#: The rank of a process whose launcher MMEngine joins later, with its Runner.
_RANKS = ('SLURM_PROCID', 'OMPI_COMM_WORLD_RANK')

_runs_of_this_process = itertools.count(1)


def build_runner(cfg: Config) -> AdaptationRunner:
    """Build the runner a config asks for by ``runner_type``, and its model.

    Images are padded to what the network takes, see :func:`pad_to_stride`. MMEngine's
    own runner runs Python of a checkpoint. Runners of one process share neither logger,
    history nor visualizer.

    Args:
        cfg: A whole config with a ``work_dir``. It is changed in place.

    Raises:
        PreflightError: ``runner_type`` is no :class:`AdaptationRunner`.
    """
    # MMEngine tells runs of one name apart by the second of their start only.
    if cfg.get('experiment_name') is None:
        name = Path(cfg.filename).stem if cfg.filename else 'run'
        cfg.experiment_name = f'{name}_{next(_runs_of_this_process)}'
    if cfg.get('visualizer') is not None:
        cfg.visualizer.pop('name', None)
    initialize_process_group(cfg.get('launcher', 'none'), cfg.get('env_cfg'))
    name = cfg.setdefault('runner_type', 'AdaptationRunner')
    runner_type = RUNNERS.get(name)
    if runner_type is not None and not issubclass(runner_type, AdaptationRunner):
        raise PreflightError(
            f'runner_type is {name!r}, which runs code of the checkpoints it reads; '
            "set it to 'AdaptationRunner'"
        )
    runner = RUNNERS.build(cfg)
    pad_to_stride(runner.model)
    return runner


@contextmanager
def sole_run_in(folder: str | Path) -> Iterator[None]:
    """Keep other runs out of a folder, made where missing, while the block runs.

    All processes of a run enter it, after they have joined their group.

    Raises:
        PreflightError: Another run uses the folder, or it cannot be written to;
            raised in all processes.
    """
    lock = RunFolderLock(folder)
    try:
        comes_first = all(int(os.environ.get(name, 0)) == 0 for name in _RANKS)
        if is_distributed() or comes_first:
            Processes().from_main(lock.acquire)
    except FolderInUseError as error:
        raise PreflightError(str(error)) from None
    except OSError as error:
        raise PreflightError(
            f'{folder} cannot be written to ({error.strerror}); take another folder'
        ) from error
    try:
        yield
    finally:
        lock.release()
