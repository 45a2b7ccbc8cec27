"""Carry out a plan of self-training, from where an earlier call stopped."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import partial
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
        redo_from: Name of a stage that is deleted first, with all after it.

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
    names = [stage.name for stage in stages]
    if name not in names:
        raise PlanError(
            f'--redo-from {name}: the plan has no such stage; it has {", ".join(names)}'
        )
    again = stages[names.index(name) :]
    # What comes last goes first: cut short, no stage is left without the one that
    # it was made from.
    processes = Processes()
    remove = partial(shutil.rmtree, ignore_errors=True)
    for stage in reversed(again):
        processes.from_main(remove, configs.folder(stage))
    state.forget([stage.name for stage in again])


def require_inputs(
    configs: PlanConfigs, require_data: Callable[[Config, Sequence[str]], None]
) -> None:
    """See that every config, data set and checkpoint of a plan is there.

    Data sets list their files, so that what is missing in the last round is found
    before the first one.

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
        for name in ('tta_model', 'tta_pipeline'):
            if (plan.labeling.tta or plan.evaluation.tta) and cfg.get(name) is None:
                raise PlanError(
                    f'{key}.config: {cfg.filename} has no {name}, which labeling.tta '
                    'and evaluation.tta need; write one, or set both to False'
                )
    cfg = configs.config(plan.teacher)
    for name, part in plan.unlabeled.items():
        parts = dict(images=unlabeled_dataset(part), truth=part.truth)
        for key, dataset in parts.items():
            if dataset is None:
                continue
            try:
                build(dict(dataset, pipeline=[]), cfg)
            except (DataError, MissingDataError) as error:
                advice = ''
                if isinstance(error, MissingDataError) and configs.make_data:
                    advice = f'\nThe data are written by\n  {configs.make_data}'
                raise PlanError(f'unlabeled.{name}.{key}: {error}{advice}') from error


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
