"""What must be in place before a self-training is worth starting."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config

from segda_mm.errors import DataError, MissingDataError
from segda_mm.self_training import PlanError
from segda_mm.self_training.plan import PREVIOUS_STUDENT
from segda_mm.self_training.training_data import (
    build,
    label_loader,
    unlabeled_dataset,
)

from .checks import require_data
from .self_training_context import PlanContext


def require_inputs(context: PlanContext) -> None:
    """See that every config, data set and checkpoint of a plan is there.

    Data sets list their files and read none of them, so that what is missing
    in the last round is found before the first one.

    Raises:
        PlanError: naming the key of the plan and what to do.
        PreflightError: a config, or the data it names, are not there.
    """
    plan = context.plan
    students = [
        (f'rounds.{index}.student', part.student)
        for index, part in enumerate(plan.rounds)
    ]
    for key, training in [('teacher', plan.teacher), *students]:
        if training.init not in (None, PREVIOUS_STUDENT):
            _require_file(training.init, f'{key}.init')
        if training.checkpoint is not None:
            _require_file(training.checkpoint, f'{key}.checkpoint')
        cfg = context.config(training)
        if context.make_data:
            cfg.make_data = context.make_data
        require_data(cfg, ('train_dataloader', 'test_dataloader'))
        label_loader(cfg.train_dataloader.dataset.pipeline)
        if plan.labeling.tta or plan.evaluation.tta:
            _require_views(cfg, key)
    cfg = context.config(plan.teacher)
    for name, part in plan.unlabeled.items():
        images = dict(unlabeled_dataset(part), pipeline=[])
        _require_dataset(images, cfg, f'unlabeled.{name}.images', context.make_data)
        if part.truth is not None:
            truth = dict(part.truth, pipeline=[])
            _require_dataset(truth, cfg, f'unlabeled.{name}.truth', context.make_data)


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
