"""Training, as tools and notebooks start it."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from segda_mm.engine.runner import find_resumable_checkpoint

from .build_runner import build_runner
from .mixed_precision import enable_mixed_precision
from .preflight import require_data, settle_initial_checkpoints
from .preflight_error import PreflightError


def train(cfg: Config, resume: str | Path | None = None, amp: bool = False) -> Runner:
    """Train what a config describes; returns the runner after its last epoch.

    Data and checkpoints are looked for before the model is built.

    Args:
        cfg: a whole config with a ``work_dir``, as :func:`load_config` gives
            it. It is changed in place.
        resume: ``'auto'`` continues from the last checkpoint of the work
            directory, a path from that checkpoint, None starts afresh.
        amp: mixed precision for every optimizer.

    Raises:
        PreflightError: data or a checkpoint are missing.
    """
    require_data(cfg, ('train_dataloader', 'val_dataloader'))
    settle_initial_checkpoints(cfg, resuming=resume is not None)
    if resume is not None:
        cfg.load_from = str(find_checkpoint(cfg.work_dir, resume))
        cfg.resume = True
    if amp:
        enable_mixed_precision(cfg)
    runner = build_runner(cfg)
    runner.train()
    return runner


def find_checkpoint(work_dir: str | Path, resume: str | Path = 'auto') -> Path:
    """The checkpoint to continue from.

    Args:
        work_dir: where the run keeps its checkpoints.
        resume: ``'auto'`` for the last one of ``work_dir``, or a path.

    Raises:
        PreflightError: there is none. (Silently starting afresh instead would
            overwrite the run that was meant to go on.)
    """
    if resume != 'auto':
        if not Path(resume).is_file():
            raise PreflightError(f'there is no checkpoint {resume} to resume from')
        return Path(resume)
    latest = find_resumable_checkpoint(str(work_dir))
    if latest is None:
        raise PreflightError(
            f'nothing to resume: {work_dir} holds no checkpoint of an earlier '
            'run. Start it without --resume, or name its folder with --work-dir'
        )
    return Path(latest)
