"""Carry out a plan of self-training, from where an earlier call stopped."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.logging import print_log

from segda_mm.errors import DataError, MissingDataError, PlanError
from segda_mm.labeling import Processes

from .configs import PlanConfigs, build, reading_pipeline, unlabeled_dataset
from .plan import PREVIOUS_STUDENT, Stage, stages_of
from .report import make_report, write_report
from .stages import Commands, StageJobs
from .state import StateFile, flat_settings

STATE_FILE = 'state.json'


def carry_out(
    configs: PlanConfigs, commands: Commands, redo_from: str | None = None
) -> dict[str, Any]:
    """Carry out what is left of a plan, stage by stage, and write the report.

    To be called by all processes that share the work.

    Args:
        configs: The plan and its configs.
        commands: What stages consist of.
        redo_from: Name of a stage whose folder and state are deleted first,
            with those of all stages after it.

    Returns:
        The report, see :func:`make_report`.

    Raises:
        PlanError: The plan differs from what a stage was begun with, a folder
            is not of this plan, or a checkpoint is gone.
    """
    stages = stages_of(configs.plan)
    state = StateFile(configs.work_dir / STATE_FILE)
    if redo_from is not None:
        _forget(configs, state, stages, redo_from)
    jobs = StageJobs(configs, state, commands)
    for stage in stages:
        job = jobs.job(stage)
        settings = flat_settings(job.settings, str(configs.work_dir))
        state.check(stage.name, settings)
        if state.is_finished(stage.name):
            continue
        folder = configs.folder(stage)
        if stage.name not in state.stages and folder.exists():
            raise PlanError(
                f'{folder} exists, but {state.path} does not know of it. Move '
                f'it away, or delete it with --redo-from {stage.name}'
            )
        # All are there before it is noted: nobody looks for the folder once another
        # process makes it.
        state.begin(stage.name, settings)
        _say(f'stage {stage.name} (the last one is {stages[-1].name})')
        state.finish(stage.name, job.run())
    results = {stage.name: state.result(stage.name) for stage in stages}
    report = make_report(configs.plan, results)
    file = Processes().from_main(write_report, configs, report)
    _say(f'the report is in {file}')
    return report


def _forget(
    configs: PlanConfigs, state: StateFile, stages: list[Stage], name: str
) -> None:
    """Delete a stage and those after it."""
    names = [stage.name for stage in stages]
    if name not in names:
        raise PlanError(
            f'--redo-from {name}: the plan has no such stage; it has {", ".join(names)}'
        )
    again = stages[names.index(name) :]
    Processes().from_main(_delete, [configs.folder(stage) for stage in again])
    state.forget([stage.name for stage in again])


def _delete(folders: list[Path]) -> None:
    # What comes last goes first: cut short, no stage is left without the one that
    # it was made from.
    for folder in reversed(folders):
        shutil.rmtree(folder, ignore_errors=True)


def require_inputs(
    configs: PlanConfigs, require_data: Callable[[Config, Sequence[str]], None]
) -> None:
    """See that every config, data set and checkpoint of a plan is there.

    Data sets list their files and read none of them, so that what is missing
    in the last round is found before the first one.

    Args:
        configs: The plan and its configs.
        require_data: Sees that the data sets of a config's loaders are there.

    Raises:
        PlanError: Of the plan's key that is wrong, with what to do.
    """
    plan = configs.plan
    students = [
        (f'rounds.{index}.student', part.student)
        for index, part in enumerate(plan.rounds)
    ]
    for key, training in [('teacher', plan.teacher), *students]:
        if training.init not in (None, PREVIOUS_STUDENT):
            _require_file(training.init, f'{key}.init')
        if training.checkpoint is not None:
            _require_file(training.checkpoint, f'{key}.checkpoint')
        cfg = configs.config(training)
        if configs.make_data:
            cfg.make_data = configs.make_data
        require_data(cfg, ('train_dataloader', 'test_dataloader'))
        reading_pipeline(cfg)
        if plan.labeling.tta or plan.evaluation.tta:
            _require_views(cfg, key)
    cfg = configs.config(plan.teacher)
    for name, part in plan.unlabeled.items():
        images = dict(unlabeled_dataset(part), pipeline=[])
        _require_dataset(images, cfg, f'unlabeled.{name}.images', configs.make_data)
        if part.truth is not None:
            truth = dict(part.truth, pipeline=[])
            _require_dataset(truth, cfg, f'unlabeled.{name}.truth', configs.make_data)


def _require_dataset(
    dataset: Mapping, cfg: Config, key: str, make_data: str | None
) -> None:
    try:
        build(dataset, cfg)
    except MissingDataError as error:
        advice = f'\nThe data are written by\n  {make_data}' if make_data else ''
        raise PlanError(f'{key}: {error}{advice}') from error
    except DataError as error:
        raise PlanError(f'{key}: {error}') from error


def _require_views(cfg: Config, key: str) -> None:
    for name in ('tta_model', 'tta_pipeline'):
        if cfg.get(name) is None:
            raise PlanError(
                f'{key}.config: {cfg.filename} has no {name}, which labeling.tta and '
                'evaluation.tta need; write one, or set both to False'
            )


def _require_file(path: str, key: str) -> None:
    if not Path(path).is_file():
        raise PlanError(
            f'{key} names {path}, which does not exist. Make it with the training '
            'that its folder is named after, or name another one with '
            f'--cfg-options {key}=FILE'
        )


def _say(text: str) -> None:
    if is_main_process():
        print_log(text, logger='current')
