"""Training, as tools and notebooks start it."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from segda_mm.engine.distributed import initialize_process_group
from segda_mm.engine.runner import find_resumable_checkpoint
from segda_mm.errors import (
    DataError,
    FileNotWrittenError,
    NonFiniteLossError,
    PreflightError,
    TrainingStoppedError,
)

from .checks import require_data, require_hook_data, settle_initial_checkpoints
from .first_batch import FirstBatchCheck
from .mixed_precision import enable_mixed_precision
from .preflight_keys import check_keys
from .preflight_translation import as_preflight_error, plain_text
from .runner import build_runner
from .sole_run import sole_run_in
from .weight_sources import require_trusted_sources


def train(cfg: Config, resume: str | Path | None = None, amp: bool = False) -> Runner:
    """Train what a config describes; returns the runner after its last epoch.

    Before the first step it is seen that every key of the config has a reader,
    that data and checkpoints are there, that a run to be resumed is the same
    one, and that the first batch suits the model.

    Args:
        cfg: a whole config with a ``work_dir``, as :func:`load_config` gives
            it. It is changed in place.
        resume: ``'auto'`` continues from the last checkpoint of the work
            directory, a path from that checkpoint, None does what ``resume``
            of the config says, by default start afresh.
        amp: mixed precision for every optimizer.

    Raises:
        PreflightError: the training cannot start. What is wrong is told with the
            config key or the file, and the remedy.
        TrainingStoppedError: a loss is not finite, a file of the data set is
            wrong, or the disk is full.
    """
    if resume is None and cfg.get('resume'):
        resume = cfg.get('load_from') or 'auto'
    _check_config(cfg, resuming=resume is not None)
    if resume is not None:
        cfg.load_from = str(find_checkpoint(cfg.work_dir, resume))
        cfg.resume = True
    if amp:
        enable_mixed_precision(cfg)
    try:
        initialize_process_group(cfg.get('launcher', 'none'), cfg.get('env_cfg'))
    except (RuntimeError, ValueError) as error:
        raise PreflightError(str(error)) from error
    with sole_run_in(cfg.work_dir):
        return _run(cfg)


def _check_config(cfg: Config, resuming: bool) -> None:
    check_keys(cfg)
    require_data(cfg, ('train_dataloader', 'val_dataloader'))
    require_hook_data(cfg)
    settle_initial_checkpoints(cfg, resuming=resuming)
    require_trusted_sources(cfg)


def _run(cfg: Config) -> Runner:
    with as_preflight_error():
        runner = build_runner(cfg)
    check = FirstBatchCheck()
    runner.register_hook(check)
    try:
        runner.train()
    except (NonFiniteLossError, FileNotWrittenError) as error:
        raise TrainingStoppedError(str(error)) from error
    except (ValueError, FileNotFoundError, KeyError, TypeError) as error:
        if not check.passed:
            with as_preflight_error():
                raise
        if isinstance(error, DataError):
            raise TrainingStoppedError(plain_text(error)) from error
        raise
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
            'run. Start it without --resume (or `resume=True`), or name its folder '
            'with --work-dir'
        )
    return Path(latest)
