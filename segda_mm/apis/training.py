"""Training, as tools and notebooks start it."""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import platform
import shlex
import sys
import tempfile
import time
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from segda_mm import __version__
from segda_mm.dependencies import installed_version
from segda_mm.doctor import usable_cores
from segda_mm.engine.distributed import initialize_process_group
from segda_mm.engine.runner import find_resumable_checkpoint
from segda_mm.errors import (
    DataError,
    FileNotWrittenError,
    NonFiniteLossError,
    PreflightError,
    TrainingStoppedError,
)
from segda_mm.files import write_json
from segda_mm.visualization.report.runs import PROVENANCE

from .checks.config_errors import config_errors, is_worded, message_of
from .checks.first_batch import FirstBatchCheck
from .checks.preflight import (
    require_data,
    require_hook_data,
    require_outputs_apart,
    require_trusted_sources,
    settle_initial_checkpoints,
)
from .runner import build_runner, sole_run_in

_FULL_PRECISION = ('OptimWrapper', 'GradientAveragingOptimWrapper')
#: Distributions whose versions are noted.
_TOLD = ('torch', 'onedl-mmengine', 'onedl-mmcv', 'onedl-mmsegmentation', 'numpy')
_ON_CUDA = 'GradientAveragingAmpOptimWrapper'
_ON_CPU = 'GradientAveragingBFloat16OptimWrapper'

#: Packages that figures can be sent to, and MMEngine's backends for them.
TRACKERS = dict(
    tensorboard='TensorboardVisBackend',
    wandb='WandbVisBackend',
    mlflow='MLflowVisBackend',
)


def train(
    cfg: Config,
    resume: str | Path | None = None,
    amp: bool = False,
    track: str | None = None,
) -> Runner:
    """Train what a config describes, and return the runner after its last epoch.

    Args:
        cfg: A whole config. Changed in place.
        resume: ``'auto'`` for the last checkpoint of the work directory, or a
            path; None does what ``resume`` of the config says.
        amp: Mixed precision for every optimizer.
        track: ``'tensorboard'``, ``'wandb'`` or ``'mlflow'``, to which figures and
            pictures go as well.

    Raises:
        PreflightError: The training cannot start, or the work directory holds another
            one; the message names the config key or the file, and the remedy.
        TrainingStoppedError: A loss is not finite, a file of the data set is
            wrong, or the disk is full.
    """
    if resume is None and cfg.get('resume'):
        resume = cfg.get('load_from') or 'auto'
    if resume is None:
        require_unused(cfg.work_dir)
    if track is not None:
        add_tracker(cfg, track)
    datasets = require_data(cfg, ('train_dataloader', 'val_dataloader'))
    require_outputs_apart(cfg, datasets)
    require_hook_data(cfg)
    settle_initial_checkpoints(cfg, resuming=resume is not None)
    require_trusted_sources(cfg)
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


class _Tried(Exception):
    """A training got as far as its first step."""


class _StopBeforeTraining(Hook):
    """Ends a training that has passed its checks."""

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        raise _Tried


def try_steps(cfg: Config) -> None:
    """Try a step of training and of validation as :func:`train` does; keep nothing.

    Checkpoints to start from may be absent: another run may have yet to make them.

    Args:
        cfg: A whole config with ``train_dataloader`` and ``model``; stays as it is.

    Raises:
        PreflightError: A step fails; the message names the config key and the reason.
    """
    cfg = copy.deepcopy(cfg)
    cfg.log_level, cfg.resume, cfg.load_from = 'ERROR', False, None
    settle_initial_checkpoints(cfg, resuming=True)
    with tempfile.TemporaryDirectory() as folder, config_errors(cfg):
        cfg.work_dir = folder
        runner = build_runner(cfg)
        runner.register_hook(FirstBatchCheck())
        runner.register_hook(_StopBeforeTraining())
        with contextlib.suppress(_Tried):
            runner.train()


def _run(cfg: Config) -> Runner:
    with config_errors(cfg):
        runner = build_runner(cfg)
    check = FirstBatchCheck()
    runner.register_hook(check)
    try:
        if is_main_process():
            write_json(Path(runner.log_dir, PROVENANCE), _provenance())
        runner.train()
    except (NonFiniteLossError, FileNotWrittenError) as error:
        raise TrainingStoppedError(str(error)) from error
    except Exception as error:
        if not check.passed:
            with config_errors(cfg):
                raise
        if isinstance(error, DataError):
            raise TrainingStoppedError(message_of(error)) from error
        if is_worded(error):
            raise TrainingStoppedError(str(error)) from error
        raise
    return runner


def _provenance() -> dict[str, str]:
    """How this process was started, and on what it runs."""
    versions = ', '.join(f'{name} {installed_version(name)}' for name in _TOLD)
    device = 'CPU'
    if torch.cuda.is_available():
        device = torch.cuda.get_device_name()
    return {
        'command': shlex.join(sys.argv),
        'started': time.strftime('%Y-%m-%d %H:%M:%S %z'),
        'versions': f'segda-mm {__version__}, Python {platform.python_version()}, '
        f'{versions}',
        'machine': f'{usable_cores()} cores, {device}, {platform.platform()}',
    }


def require_unused(work_dir: str | Path) -> None:
    """Raise PreflightError for the folder of a run, which would be overwritten in part.

    A new number in the folder's name would part it from the configs that go on from
    ``work_dirs/<name of a config>``; so the user chooses.
    """
    checkpoints = sorted(Path(work_dir).glob('*.pth'))
    if checkpoints:
        raise PreflightError(
            f'{work_dir} holds a run already ({checkpoints[-1].name}). Go on with it '
            '(--resume), keep it and train into another folder (--work-dir), or delete '
            'it'
        )


def add_tracker(cfg: Config, name: str) -> None:
    """Let the visualizer of a config, in place, write to a tracker as well.

    Raises:
        PreflightError: There is no such tracker, or its package is not installed.
    """
    if name not in TRACKERS:
        raise PreflightError(f'there is no tracker {name}; {", ".join(TRACKERS)} are')
    if importlib.util.find_spec(name) is None:
        raise PreflightError(
            f'--track {name} needs the package {name}: `pip install {name}`'
        )
    visualizer = cfg.get('visualizer') or dict(type='OverlayVisualizer')
    backends = list(visualizer.get('vis_backends') or [dict(type='LocalVisBackend')])
    if all(backend['type'] != TRACKERS[name] for backend in backends):
        backends.append(dict(type=TRACKERS[name]))
    cfg.visualizer = dict(visualizer, vis_backends=backends)


def find_checkpoint(work_dir: str | Path, resume: str | Path = 'auto') -> Path:
    """The checkpoint to continue from: ``'auto'`` for the last one, or a path.

    Raises:
        PreflightError: There is none; to start afresh would overwrite the run.
    """
    if resume != 'auto':
        if not Path(resume).is_file():
            raise PreflightError(f'there is no checkpoint {resume} to resume from')
        return Path(resume)
    latest = find_resumable_checkpoint(str(work_dir))
    if latest is None:
        raise PreflightError(
            f'nothing to resume: {work_dir} holds no checkpoint. Start without '
            '--resume (or `resume=True`), or name the folder with --work-dir'
        )
    return Path(latest)


def enable_mixed_precision(cfg: Config) -> None:
    """Switch all optimizer wrappers of a config, in place, to mixed precision.

    On CUDA: float16 with a scaled loss; on a CPU: bfloat16, which needs no scaling.

    Raises:
        PreflightError: A wrapper is of a type that has no such twin.
    """
    wanted = _ON_CUDA if torch.cuda.is_available() else _ON_CPU
    wrappers = cfg.optim_wrapper
    members = {'': wrappers} if 'optimizer' in wrappers else wrappers
    for name, member in members.items():
        if not isinstance(member, dict):
            continue
        key = f'optim_wrapper.{name}'.rstrip('.')
        kind = member.get('type', 'OptimWrapper')
        if kind not in (*_FULL_PRECISION, 'AmpOptimWrapper', _ON_CUDA, _ON_CPU):
            raise PreflightError(
                f'--amp cannot be used with {key}.type={kind}; it knows '
                f'{" and ".join(_FULL_PRECISION)}'
            )
        member['type'] = wanted
