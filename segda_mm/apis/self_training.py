"""Self-training, as tools and notebooks start it."""

from __future__ import annotations

from functools import partial
from typing import Any

from mmengine.config import Config

from segda_mm.engine.distributed import initialize_process_group
from segda_mm.errors import (
    DataError,
    FileNotWrittenError,
    MissingDataError,
    PlanError,
    PreflightError,
    TrainingStoppedError,
)
from segda_mm.self_training.configs import PlanConfigs
from segda_mm.self_training.run import carry_out, require_inputs
from segda_mm.self_training.stages import Commands

from .checks.preflight import require_data, settle_initial_checkpoints
from .config import load_config
from .evaluating import evaluate
from .labeling import label
from .runner import sole_run_in
from .training import train


def self_train(cfg: Config, redo_from: str | None = None) -> dict[str, Any]:
    """Carry out a plan, from where an earlier call stopped; returns the report.

    Every stage is an ordinary training, labelling or evaluation with a folder of its
    own below the work directory; ``state.json`` there says which are finished. At the
    end ``report.html`` and ``report.json`` are written. With
    ``cfg.launcher='pytorch'`` all stages share the processes, which talk as
    ``env_cfg.dist_cfg`` of the teacher's config says.

    Source: Chen et al., "Naive-Student", ECCV 2020, Algorithm 1.

    Args:
        cfg: A :class:`~segda_mm.self_training.plan.Plan` with a ``work_dir``, as
            :func:`load_config` gives it.
        redo_from: Name of a stage that is deleted first, with all after it.

    Raises:
        PreflightError: The plan is wrong or differs from what a stage was begun with,
            data or a checkpoint are missing, or the work directory is in use.
        TrainingStoppedError: A loss is not finite, or the disk is full.
    """
    commands = Commands(_train, label, evaluate)
    try:
        # The networks of a plan about own data are described by the same file.
        options, recipe = cfg.get('_settings'), 'source_only'
        configs = PlanConfigs(
            cfg, partial(load_config, cfg_options=options, recipe=recipe)
        )
        env_cfg = configs.config(configs.plan.teacher).get('env_cfg')
        try:
            initialize_process_group(configs.launcher, env_cfg)
        except (RuntimeError, ValueError) as error:
            raise PreflightError(str(error)) from error
        with sole_run_in(configs.work_dir):
            require_inputs(configs, require_data)
            return carry_out(configs, commands, redo_from)
    except (PlanError, DataError, MissingDataError) as error:
        raise PreflightError(str(error)) from error
    except FileNotWrittenError as error:
        raise TrainingStoppedError(str(error)) from error


def _train(cfg: Config, init: str | None, resume: bool) -> None:
    if init is not None:
        # All weights come from there, none from what the config names.
        settle_initial_checkpoints(cfg, resuming=True)
        cfg.load_from = init
    train(cfg, resume='auto' if resume else None)
