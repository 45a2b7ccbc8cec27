"""From a config to a Runner."""

from __future__ import annotations

import itertools
from pathlib import Path

from mmengine.config import Config

from segda_mm.engine.distributed import initialize_process_group
from segda_mm.engine.runner import AdaptationRunner
from segda_mm.errors import PreflightError
from segda_mm.registry import RUNNERS

_runs_of_this_process = itertools.count(1)


def build_runner(cfg: Config) -> AdaptationRunner:
    """Build the runner a config asks for by ``runner_type``.

    Without one it is :class:`AdaptationRunner`: MMEngine's own runs Python of a
    checkpoint. With a ``launcher`` the process joins its group first.

    Several runners of one process keep apart: MMEngine tells experiments from
    each other by a name that holds the second of the start only, so two runs
    started at once would share logger and history. Unless the config has an
    ``experiment_name``, it gets one with a running number here; the visualizer
    is named after it, whatever the config says, since a second one of the same
    name would draw into the first run's folder.

    Raises:
        PreflightError: ``runner_type`` is no :class:`AdaptationRunner`.
    """
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
            "set it to 'AdaptationRunner' or a subclass of that"
        )
    return RUNNERS.build(cfg)
