"""Self-training, as tools and notebooks start it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.logging import print_log

from segda_mm.engine.distributed import initialize_process_group
from segda_mm.errors import (
    DataError,
    FileNotWrittenError,
    MissingDataError,
    PreflightError,
    TrainingStoppedError,
)
from segda_mm.labeling.processes import Processes
from segda_mm.self_training import PlanError, Stage, StateFile, stages_of
from segda_mm.self_training.report import make_report
from segda_mm.self_training.state import flat_settings

from .runner import sole_run_in
from .self_training_context import PlanContext
from .self_training_inputs import require_inputs
from .self_training_jobs import StageJobs
from .self_training_report import write_report

STATE_FILE = 'state.json'


def self_train(cfg: Config, redo_from: str | None = None) -> dict[str, Any]:
    """Carry out a plan, from where an earlier call stopped.

    Every stage is an ordinary training, labelling or evaluation with a folder
    of its own below the work directory; ``state.json`` there says which are
    finished. At the end ``report.md``, ``report.json`` and pictures of the
    labels are written.

    In a group of processes (``cfg.launcher`` is ``'pytorch'``) all stages share
    the processes, and the first of them writes what is not labels. How they talk
    is what ``env_cfg.dist_cfg`` of the teacher's config says.

    Source: Chen et al., "Naive-Student", ECCV 2020, Algorithm 1.

    Args:
        cfg: a plan with a ``work_dir``, as :func:`load_config` gives it; see
            :mod:`segda_mm.self_training.plan`.
        redo_from: name of a stage whose folder and state are deleted first,
            with those of all stages after it.

    Returns:
        The report, see :func:`segda_mm.self_training.report.make_report`.

    Raises:
        PreflightError: the plan is wrong, data or a checkpoint are missing,
            the plan differs from what a stage was begun with, or another run
            uses the work directory.
        TrainingStoppedError: a loss is not finite, or the disk is full.
    """
    try:
        context = PlanContext(cfg)
        teacher = context.config(context.plan.teacher)
        _join_processes(context.launcher, teacher.get('env_cfg'))
        with sole_run_in(context.work_dir):
            return _run(context, redo_from)
    except (PlanError, DataError, MissingDataError) as error:
        raise PreflightError(str(error)) from error
    except FileNotWrittenError as error:
        raise TrainingStoppedError(str(error)) from error


def _join_processes(launcher: str, env_cfg: Mapping[str, Any] | None) -> None:
    try:
        initialize_process_group(launcher, env_cfg)
    except (RuntimeError, ValueError) as error:
        raise PreflightError(str(error)) from error


def _run(context: PlanContext, redo_from: str | None) -> dict[str, Any]:
    require_inputs(context)
    stages = stages_of(context.plan)
    processes = Processes()
    progress = _Progress(context, processes)
    if redo_from is not None:
        progress.forget(stages, redo_from)
    jobs = StageJobs(context, progress.state)
    for stage in stages:
        job = jobs.job(stage)
        settings = flat_settings(job.settings, str(context.work_dir))
        progress.state.check(stage.name, settings)
        if progress.state.is_finished(stage.name):
            continue
        progress.begin(stage, settings)
        _say(f'stage {stage.name} (the last one is {stages[-1].name})')
        progress.finish(stage, job.run())
    results = {stage.name: progress.state.result(stage.name) for stage in stages}
    report = make_report(context.plan, results)
    file = processes.from_main(write_report, context, report)
    _say(f'the report is in {file}')
    return report


class _Progress:
    """The state of all processes, which only the first one writes."""

    def __init__(self, context: PlanContext, processes: Processes) -> None:
        self.context = context
        self.processes = processes
        self.state = StateFile(context.work_dir / STATE_FILE)

    def forget(self, stages: list[Stage], name: str) -> None:
        """Delete a stage and those after it."""
        names = [stage.name for stage in stages]
        if name not in names:
            raise PlanError(
                f'--redo-from {name}: the plan has no such stage; it has '
                f'{", ".join(names)}'
            )
        again = stages[names.index(name) :]
        self.processes.from_main(self._delete, again)
        self.state.read()

    def _delete(self, stages: list[Stage]) -> None:
        # What comes last goes first: cut short, no stage is left without the one
        # that it was made from.
        for stage in reversed(stages):
            shutil.rmtree(self.context.folder(stage), ignore_errors=True)
        self.state.forget([stage.name for stage in stages])

    def begin(self, stage: Stage, settings: Mapping[str, Any]) -> None:
        """Note that a stage begins, unless others have used its folder."""
        folder = self.context.folder(stage)
        if stage.name not in self.state.stages and folder.exists():
            raise PlanError(
                f'{folder} exists, but {self.state.path} does not know of it. Move '
                f'it away, or delete it with --redo-from {stage.name}'
            )
        # Nobody may look for the folder once another process makes it.
        self.processes.wait()
        self.processes.from_main(self.state.begin, stage.name, settings)
        self.state.read()

    def finish(self, stage: Stage, result: Mapping[str, Any]) -> None:
        """Note what a stage left."""
        self.processes.wait()
        self.processes.from_main(self.state.finish, stage.name, result)
        self.state.read()


def _say(text: str) -> None:
    if is_main_process():
        print_log(text, logger='current')
