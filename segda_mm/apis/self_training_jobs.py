"""The stages of a self-training as jobs: their settings and what they do."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.dist import barrier, get_world_size, is_main_process
from mmengine.logging import print_log
from mmengine.registry import init_default_scope

from segda_mm.engine.runner import find_resumable_checkpoint
from segda_mm.registry import MODELS
from segda_mm.self_training import PlanError, Stage, StateFile
from segda_mm.self_training.plan import PREVIOUS_STUDENT, FineTuning, Training
from segda_mm.self_training.quality import index_by_name, label_quality
from segda_mm.self_training.schedule import set_length
from segda_mm.self_training.training_data import (
    batches_per_epoch,
    build,
    unlabeled_dataset,
    use_pseudo_labeled,
)

from .checks import settle_initial_checkpoints
from .evaluating import evaluate
from .labeling import label
from .self_training_context import PlanContext, reading_pipeline
from .training import train

#: What of a config decides how a training ends.
_TRAINING_KEYS = (
    'model',
    'train_dataloader',
    'optim_wrapper',
    'param_scheduler',
    'train_cfg',
    'custom_hooks',
    'randomness',
    'load_from',
)

#: What of a config decides which labels are made; the data set is the plan's.
_LABELING_KEYS = ('model', 'tta_model', 'tta_pipeline')

#: What of a config decides how a network is judged.
_EVALUATION_KEYS = (
    'model',
    'tta_model',
    'tta_pipeline',
    'test_dataloader',
    'test_evaluator',
)

#: Entries of a data loader that change the speed only.
_SPEED_KEYS = ('num_workers', 'persistent_workers', 'pin_memory', 'prefetch_factor')


class Job(NamedTuple):
    """A stage: the settings that its result depends on, and how to run it."""

    settings: Mapping[str, Any]
    run: Callable[[], dict[str, Any]]


class StageJobs:
    """Makes the job of a stage from the plan and what earlier stages left.

    Args:
        context: The plan.
        state: What is done.
    """

    def __init__(self, context: PlanContext, state: StateFile) -> None:
        self.context = context
        self.plan = context.plan
        self.state = state

    def job(self, stage: Stage) -> Job:
        """The job of a stage; those before it must be finished.

        Raises:
            PlanError: a checkpoint of an earlier stage is gone.
        """
        return getattr(self, f'_{stage.kind}_job')(stage)

    def _teacher_job(self, stage: Stage) -> Job:
        training = self.plan.teacher
        cfg = self.context.config(training, stage)
        return self._training_job(stage, cfg, training, training.init)

    def _label_job(self, stage: Stage) -> Job:
        plan = self.plan
        # The step before made the teacher: step 1, or step 5 of the last round.
        teacher, checkpoint = self._network(stage.round - 1)
        cfg = self.context.config(teacher)
        settings = dict(
            checkpoint=checkpoint,
            tta=plan.labeling.tta,
            thresholds=plan.labeling.thresholds,
            test_pipeline=cfg.test_dataloader.dataset.pipeline,
            unlabeled={
                name: dict(images=unlabeled_dataset(part), ego_car=part.ego_car)
                for name, part in plan.unlabeled.items()
            },
            **_chosen(cfg, _LABELING_KEYS),
        )
        return Job(settings, partial(self._label, stage, teacher, checkpoint))

    def _label(self, stage: Stage, teacher: Training, checkpoint: str) -> dict:
        plan = self.plan
        made = {}
        for name, part in plan.unlabeled.items():
            manifest = label(
                self.context.config(teacher, stage),
                checkpoint,
                unlabeled_dataset(part),
                self.context.labels(stage.round, name),
                tta=plan.labeling.tta,
                thresholds=plan.labeling.thresholds,
                ego_car=part.ego_car,
                num_workers=plan.labeling.num_workers,
                batch_size=plan.labeling.batch_size,
            )
            made[name] = dict(
                images=manifest['num_images'],
                labeled=100 * (1 - manifest['void_share']),
            )
        return dict(sets=made)

    def _quality_job(self, stage: Stage) -> Job:
        cfg = self.context.config(self.plan.teacher)
        settings = dict(
            truth={name: part.truth for name, part in self.plan.unlabeled.items()},
            labeled=cfg.train_dataloader.dataset,
        )
        return Job(settings, partial(self._quality, stage, cfg))

    def _quality(self, stage: Stage, cfg: Config) -> dict:
        if not is_main_process():
            return {}
        known = list(index_by_name(self.context.labeled(cfg)))
        pipeline = reading_pipeline(cfg)
        sets = {}
        for name, part in self.plan.unlabeled.items():
            if part.truth is None:
                continue
            pseudo = self.context.pseudo_labeled(stage.round, name, cfg, pipeline)
            truth = dict(part.truth, pipeline=pipeline)
            sets[name] = label_quality(
                build(pseudo, cfg), build(truth, cfg), left_out=known
            )
        return dict(sets=sets)

    def _student_job(self, stage: Stage) -> Job:
        training = self.plan.rounds[stage.round - 1].student
        cfg = self.context.config(training, stage)
        pipeline = cfg.train_dataloader.dataset.pipeline
        datasets = [
            self.context.pseudo_labeled(stage.round, name, cfg, pipeline)
            for name in self.plan.unlabeled
        ]
        use_pseudo_labeled(cfg, datasets, self.plan.mix_labeled)
        init = training.init
        if init == PREVIOUS_STUDENT:
            _, init = self._network(stage.round - 1)
        return self._training_job(stage, cfg, training, init)

    def _finetune_job(self, stage: Stage) -> Job:
        one_round = self.plan.rounds[stage.round - 1]
        cfg = self.context.config(one_round.student, stage)
        cfg.merge_from_dict(one_round.finetune.options)
        student = self.state.result(f'{stage.round}-student')['checkpoint']
        return self._training_job(stage, cfg, one_round.finetune, self._path(student))

    def _training_job(
        self,
        stage: Stage,
        cfg: Config,
        training: Training | FineTuning,
        init: str | None,
    ) -> Job:
        if training.steps is not None:
            num_images = len(build(cfg.train_dataloader.dataset, cfg))
            batches = batches_per_epoch(cfg, num_images, get_world_size())
            set_length(cfg, training.steps, batches)
        settings = dict(_chosen(cfg, _TRAINING_KEYS), init=init)
        return Job(settings, partial(self._train, stage, cfg, init))

    def _train(self, stage: Stage, cfg: Config, init: str | None) -> dict:
        if init is not None:
            # All weights come from there, none from what the config names.
            settle_initial_checkpoints(cfg, resuming=True)
            cfg.load_from = init
        # Networks are judged in stages of their own, once each.
        cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
        if stage.kind == 'student':
            self._compare_sizes(stage, cfg)
        begun = find_resumable_checkpoint(cfg.work_dir) is not None
        train(cfg, resume='auto' if begun else None)
        # Only one process writes the checkpoint; others may be here before it.
        barrier()
        checkpoint = find_resumable_checkpoint(cfg.work_dir)
        return dict(checkpoint=str(Path(stage.name, Path(checkpoint).name)))

    def _compare_sizes(self, stage: Stage, cfg: Config) -> None:
        student = _count_parameters(cfg)
        teacher = self.state.result(f'{stage.round - 1}-evaluate')['parameters']
        if student < teacher:
            print_log(
                f'the student of round {stage.round} has {student:,} parameters, '
                f'fewer than the {teacher:,} of its teacher; the method asks for an '
                'equal or larger one',
                logger='current',
                level=logging.WARNING,
            )

    def _evaluate_job(self, stage: Stage) -> Job:
        training, checkpoint = self._network(stage.round)
        cfg = self.context.config(training, stage)
        settings = dict(
            checkpoint=checkpoint,
            tta=self.plan.evaluation.tta,
            **_chosen(cfg, _EVALUATION_KEYS),
        )
        return Job(settings, partial(self._evaluate, stage, cfg, checkpoint))

    def _evaluate(self, stage: Stage, cfg: Config, checkpoint: str) -> dict:
        parameters = _count_parameters(cfg)
        results = evaluate(cfg, checkpoint, tta=self.plan.evaluation.tta)
        per_class = {key: results[key] for key in results if key.startswith('per_')}
        return dict(
            checkpoint=self._relative(checkpoint),
            parameters=parameters,
            num_images=results['num_images'],
            metrics=results['metrics'],
            **per_class,
        )

    def _network(self, number: int) -> tuple[Training, str]:
        """The network that a round ends with: its config and its checkpoint."""
        if number == 0:
            training = self.plan.teacher
            if training.checkpoint is not None:
                return training, training.checkpoint
            last = '0-teacher'
        else:
            one_round = self.plan.rounds[number - 1]
            training = one_round.student
            last = f'{number}-finetune' if one_round.finetune else f'{number}-student'
        return training, self._path(self.state.result(last)['checkpoint'])

    def _path(self, name: str) -> str:
        """The path of a checkpoint below the work directory."""
        path = self.context.work_dir / name
        if not path.is_file():
            stage = Path(name).parts[0]
            raise PlanError(
                f'{path} is gone, which {self.state.path} says is finished. Restore '
                f'it, or make it again with --redo-from {stage}'
            )
        return str(path)

    def _relative(self, path: str) -> str:
        below = Path(path).is_relative_to(self.context.work_dir)
        return str(Path(path).relative_to(self.context.work_dir)) if below else path


def _chosen(cfg: Config, keys: tuple[str, ...]) -> dict[str, Any]:
    """The entries of a config that a result depends on."""
    settings = {key: cfg[key] for key in keys if cfg.get(key) is not None}
    for key in settings:
        if key.endswith('_dataloader'):
            settings[key] = {
                name: value
                for name, value in settings[key].items()
                if name not in _SPEED_KEYS
            }
    return settings


def _count_parameters(cfg: Config) -> int:
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    model = MODELS.build(copy.deepcopy(cfg.model))
    return sum(parameter.numel() for parameter in model.parameters())
