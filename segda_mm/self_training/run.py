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


def carry_out(
    configs: PlanConfigs, commands: Commands, redo_from: str | None = None
) -> dict[str, Any]:
    """Carry out what is left of a plan, in all processes, and write the report.

    Args:
        configs: The plan and its configs.
        commands: What stages consist of.
        redo_from: Name of a stage that is deleted first, with all after it.

    Raises:
        PlanError: The plan differs from what a stage was begun with, a folder
            is not of this plan, or a checkpoint is gone.
    """
    stages = stages_of(configs.plan)
    state = StateFile(configs.work_dir / 'state.json')
    if redo_from is not None:
        _forget(configs, state, stages, redo_from)
    jobs = StageJobs(configs, state, commands)
    for stage in stages:
        settings, run = jobs.job(stage)
        settings = flat_settings(settings, str(configs.work_dir))
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
        state.finish(stage.name, run())
    results = {stage.name: state.stages[stage.name]['result'] for stage in stages}
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
    configs: PlanConfigs, require_data: Callable[[Config, Sequence[str]], object]
) -> None:
    """See that every config, data set and checkpoint of a plan is there.

    Data sets list their files, so that what is missing in the last round is found
    before the first one; ``require_data`` sees to those of a config's loaders.

    Raises:
        PlanError: Of the plan's key that is wrong, with what to do.
    """
    plan = configs.plan
    trainings = {'teacher': plan.teacher}
    for index, part in enumerate(plan.rounds):
        trainings[f'rounds.{index}.student'] = part.student
    for key, training in trainings.items():
        for name in ('init', 'checkpoint'):
            path = getattr(training, name)
            if path not in (None, PREVIOUS_STUDENT) and not Path(path).is_file():
                raise PlanError(
                    f'{key}.{name} names {path}, which does not exist. Make it, or '
                    f'name another one with --cfg-options {key}.{name}=FILE'
                )
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
    parts = {}
    for name, part in plan.unlabeled.items():
        parts[f'unlabeled.{name}.images'] = unlabeled_dataset(part)
        parts[f'unlabeled.{name}.truth'] = part.truth
    owners = {'labeled': plan.labeled}
    for index, part in enumerate(plan.rounds):
        if part.teacher and part.teacher.labeled:
            key, labeled = f'rounds.{index}.teacher.labeled', part.teacher.labeled
            owners[key] = labeled
            own = configs.config(plan.teacher, labeled=labeled).train_dataloader.dataset
            parts[f'{key}.dataset'] = own
    for key, labeled in owners.items():
        parts |= {f'{key}.more.{name}': more for name, more in labeled.more.items()}
    for key, dataset in parts.items():
        try:
            if dataset is not None:
                build(dict(dataset, pipeline=[]), cfg)
        except (DataError, MissingDataError) as error:
            made = configs.make_data
            advice = f'\nThe data are written by\n  {made}' if made else ''
            raise PlanError(f'{key}: {error}{advice}') from error


def _say(text: str) -> None:
    if is_main_process():
        print_log(text, logger='current')
