"""What each stage of a self-training does, and the settings it depends on."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.dist import barrier, get_world_size, is_main_process
from mmengine.registry import init_default_scope

from segda_mm.engine.runner import find_resumable_checkpoint
from segda_mm.errors import PlanError
from segda_mm.registry import MODELS

from .configs import (
    PlanConfigs,
    batches_per_epoch,
    build,
    index_by_name,
    reading_pipeline,
    set_length,
    unlabeled_dataset,
    use_pseudo_labeled,
)
from .plan import PREVIOUS_STUDENT, FineTuning, Stage, Training
from .quality import label_quality
from .state import StateFile

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
_EVALUATION_KEYS = (*_LABELING_KEYS, 'test_dataloader', 'test_evaluator')

#: Entries of a data loader that change the speed only.
_SPEED_KEYS = ('num_workers', 'persistent_workers', 'pin_memory', 'prefetch_factor')


class Commands(NamedTuple):
    """The commands that stages consist of, which a layer above provides.

    Attributes:
        train: Of a config, a checkpoint to start from or None, and whether to resume.
        label: As :func:`segda_mm.apis.label`.
        test: As :func:`segda_mm.apis.test`.
    """

    train: Callable[[Config, str | None, bool], Any]
    label: Callable[..., dict]
    test: Callable[..., dict]


class Job(NamedTuple):
    """A stage: the settings that its result depends on, and how to run it."""

    settings: Mapping[str, Any]
    run: Callable[[], dict[str, Any]]


class StageJobs:
    """Makes the job of a stage from the plan and what earlier stages left.

    Args:
        configs: The plan and its configs.
        state: What is done.
        commands: What the jobs call.
    """

    def __init__(
        self, configs: PlanConfigs, state: StateFile, commands: Commands
    ) -> None:
        self.configs = configs
        self.plan = configs.plan
        self.state = state
        self.commands = commands

    def job(self, stage: Stage) -> Job:
        """The job of a stage, once those before it are finished.

        Raises:
            PlanError: A checkpoint of an earlier stage is gone.
        """
        return getattr(self, f'_{stage.kind}')(stage)

    def _teacher(self, stage: Stage) -> Job:
        """Step 1."""
        training = self.plan.teacher
        cfg = self.configs.config(training, stage)
        return self._training_job(stage, cfg, training, training.init)

    def _label(self, stage: Stage) -> Job:
        """Step 2."""
        labeling, sets = self.plan.labeling, self.plan.unlabeled
        # The step before made the teacher: step 1, or step 5 of the last round.
        teacher, checkpoint = self._network(stage.round - 1)
        cfg = self.configs.config(teacher)
        settings = dict(
            checkpoint=checkpoint,
            tta=labeling.tta,
            pseudo_labeler=labeling.pseudo_labeler,
            test_pipeline=cfg.test_dataloader.dataset.pipeline,
            unlabeled={
                name: dict(images=unlabeled_dataset(part), ego_car=part.ego_car)
                for name, part in sets.items()
            },
            **_chosen(cfg, _LABELING_KEYS),
        )

        def run() -> dict:
            made = {}
            for name, part in sets.items():
                manifest = self.commands.label(
                    self.configs.config(teacher, stage),
                    checkpoint,
                    unlabeled_dataset(part),
                    self.configs.labels(stage.round, name),
                    ego_car=part.ego_car,
                    **asdict(labeling),
                )
                labeled = 100 * (1 - manifest['void_share'])
                made[name] = dict(images=manifest['num_images'], labeled=labeled)
            return dict(sets=made)

        return Job(settings, run)

    def _quality(self, stage: Stage) -> Job:
        cfg = self.configs.config(self.plan.teacher)
        truths = {name: part.truth for name, part in self.plan.unlabeled.items()}
        settings = dict(truth=truths, labeled=cfg.train_dataloader.dataset)

        def run() -> dict:
            if not is_main_process():
                return {}
            known = list(index_by_name(self.configs.labeled(cfg)))
            pipeline = reading_pipeline(cfg)
            sets = {}
            for name, truth in truths.items():
                if truth is None:
                    continue
                made = self.configs.pseudo_labeled(stage.round, name, cfg, pipeline)
                true = dict(truth, pipeline=pipeline)
                sets[name] = label_quality(build(made, cfg), build(true, cfg), known)
            return dict(sets=sets)

        return Job(settings, run)

    def _student(self, stage: Stage) -> Job:
        """Step 3."""
        training = self.plan.rounds[stage.round - 1].student
        cfg = self.configs.config(training, stage)
        pipeline = cfg.train_dataloader.dataset.pipeline
        datasets = [
            self.configs.pseudo_labeled(stage.round, name, cfg, pipeline)
            for name in self.plan.unlabeled
        ]
        use_pseudo_labeled(cfg, datasets, self.plan.mix_labeled)
        init = training.init
        if init == PREVIOUS_STUDENT:
            _, init = self._network(stage.round - 1)
        return self._training_job(stage, cfg, training, init)

    def _finetune(self, stage: Stage) -> Job:
        """Step 4."""
        one_round = self.plan.rounds[stage.round - 1]
        cfg = self.configs.config(one_round.student, stage)
        cfg.merge_from_dict(one_round.finetune.options)
        student = self._checkpoint(f'{stage.round}-student')
        return self._training_job(stage, cfg, one_round.finetune, student)

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

        def run() -> dict:
            # Networks are judged in stages of their own, once each.
            cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
            begun = find_resumable_checkpoint(cfg.work_dir) is not None
            self.commands.train(cfg, init, begun)
            # Only one process writes the checkpoint; others may be here before it.
            barrier()
            checkpoint = Path(find_resumable_checkpoint(cfg.work_dir))
            return dict(checkpoint=f'{stage.name}/{checkpoint.name}')

        return Job(settings, run)

    def _evaluate(self, stage: Stage) -> Job:
        """Step 5: the network that the round ends with is the next teacher."""
        training, checkpoint = self._network(stage.round)
        cfg = self.configs.config(training, stage)
        tta = self.plan.evaluation.tta
        settings = dict(
            checkpoint=checkpoint, tta=tta, **_chosen(cfg, _EVALUATION_KEYS)
        )

        def run() -> dict:
            init_default_scope(cfg.get('default_scope', 'mmseg'))
            model = MODELS.build(copy.deepcopy(cfg.model))
            results = self.commands.test(cfg, checkpoint, tta=tta)
            return dict(
                checkpoint=checkpoint.removeprefix(f'{self.configs.work_dir}/'),
                parameters=sum(part.numel() for part in model.parameters()),
                num_images=results['num_images'],
                metrics=results['metrics'],
                **{key: results[key] for key in results if key.startswith('per_')},
            )

        return Job(settings, run)

    def _network(self, number: int) -> tuple[Training, str]:
        """The network that a round ends with: its config and its checkpoint."""
        teacher = self.plan.teacher
        if number == 0:
            return teacher, teacher.checkpoint or self._checkpoint('0-teacher')
        one_round = self.plan.rounds[number - 1]
        last = 'finetune' if one_round.finetune else 'student'
        return one_round.student, self._checkpoint(f'{number}-{last}')

    def _checkpoint(self, stage: str) -> str:
        """The checkpoint that a training has left."""
        path = self.configs.work_dir / self.state.result(stage)['checkpoint']
        if not path.is_file():
            raise PlanError(
                f'{path} is gone, which {self.state.path} says is finished. Restore '
                f'it, or make it again with --redo-from {stage}'
            )
        return str(path)


def _chosen(cfg: Config, keys: tuple[str, ...]) -> dict[str, Any]:
    """The entries of a config that a result depends on."""
    settings = {key: cfg[key] for key in keys if cfg.get(key) is not None}
    for key, loader in settings.items():
        if key.endswith('_dataloader'):
            settings[key] = {k: v for k, v in loader.items() if k not in _SPEED_KEYS}
    return settings
