"""One run at a time in a folder, whatever number of processes it has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.dist import is_distributed

from segda_mm.errors import FolderInUseError, PreflightError
from segda_mm.files import RunFolderLock
from segda_mm.labeling.processes import Processes

#: The rank of a process whose launcher MMEngine joins later, with its Runner.
_RANKS = ('SLURM_PROCID', 'OMPI_COMM_WORLD_RANK')


@contextmanager
def sole_run_in(folder: str | Path) -> Iterator[None]:
    """Keep other runs out of a folder while the block runs.

    To be entered by all processes of a run, after they have joined their group;
    the main one locks the folder.

    Args:
        folder: Made where missing.

    Raises:
        PreflightError: Another run uses the folder, or it cannot be written to;
            raised in all processes.
    """
    lock = RunFolderLock(folder)
    try:
        if is_distributed() or _comes_first():
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


def _comes_first() -> bool:
    return all(int(os.environ.get(name, 0)) == 0 for name in _RANKS)
