"""What each stage of a self-training does, and the settings it depends on."""

from __future__ import annotations

import copy
from collections.abc import Callable
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
    labeled_datasets,
    reading_pipeline,
    set_length,
    together,
    unlabeled_dataset,
)
from .plan import PREVIOUS_STUDENT, FineTuning, Stage, TeacherTuning, Training
from .quality import label_quality
from .state import StateFile

#: What of a config decides how a training ends, which labels are made (of a data set
#: of the plan), and how a network is judged.
_TRAINING_KEYS = (
    *('model', 'train_dataloader', 'optim_wrapper', 'param_scheduler'),
    *('train_cfg', 'custom_hooks', 'randomness', 'load_from'),
)
_LABELING_KEYS = ('model', 'tta_model', 'tta_pipeline')
_EVALUATION_KEYS = (*_LABELING_KEYS, 'test_dataloader', 'test_evaluator')

#: Entries of a data loader that change the speed only.
_SPEED_KEYS = ('num_workers', 'persistent_workers', 'pin_memory', 'prefetch_factor')

#: The settings that a stage's result depends on, and what carries it out.
Job = tuple[dict[str, Any], Callable[[], dict[str, Any]]]


class Commands(NamedTuple):
    """The commands that stages consist of, which a layer above provides.

    ``train`` takes a config, a checkpoint to start from or None, and whether to
    resume; ``label`` and ``test`` are as in :mod:`segda_mm.apis`.
    """

    train: Callable[[Config, str | None, bool], Any]
    label: Callable[..., dict]
    test: Callable[..., dict]


class StageJobs:
    """Makes the job of a stage from the plan and what earlier stages left."""

    def __init__(
        self, configs: PlanConfigs, state: StateFile, commands: Commands
    ) -> None:
        self.configs, self.plan = configs, configs.plan
        self.state, self.commands = state, commands

    def job(self, stage: Stage) -> Job:
        """The job of a stage; PlanError if an earlier one's checkpoint is gone."""
        return getattr(self, f'_{stage.kind}')(stage)

    def _teacher(self, stage: Stage) -> Job:
        """Step 1, or the tuning of the network that labels in a round."""
        training = self.plan.teacher
        if not stage.round:
            cfg = self.configs.config(training, stage)
            datasets = labeled_datasets(cfg, self.plan.labeled)
            return self._training_job(stage, cfg, training, training.init, datasets)
        tuning = self.plan.rounds[stage.round - 1].teacher
        network, checkpoint = self._network(stage.round - 1)
        labeled = tuning.labeled or self.plan.labeled
        cfg = self.configs.config(network, stage, labeled)
        cfg.merge_from_dict(tuning.options)
        datasets = labeled_datasets(cfg, labeled)
        if tuning.pseudo_labels:
            sets = list(self.plan.unlabeled)
            datasets = self._pseudo_labeled(stage.round - 1, sets, cfg) + datasets
        return self._training_job(stage, cfg, tuning, checkpoint, datasets)

    def _label(self, stage: Stage) -> Job:
        """Step 2."""
        labeling, sets = self.plan.labeling, self.plan.unlabeled
        # The step before made the teacher: its tuning, step 1, or step 5.
        teacher, checkpoint = self._network(stage.round - 1)
        if self.plan.rounds[stage.round - 1].teacher:
            checkpoint = self._checkpoint(f'{stage.round}-teacher')
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

        return settings, run

    def _quality(self, stage: Stage) -> Job:
        cfg = self.configs.config(self.plan.teacher)
        truths = {name: part.truth for name, part in self.plan.unlabeled.items()}
        seen = together(self._seen_by_teachers(stage.round))
        settings = dict(truth=truths, labeled=seen)

        def run() -> dict:
            if not is_main_process():
                return {}
            known = list(index_by_name(build(seen, cfg)))
            pipeline = reading_pipeline(cfg)
            sets = {}
            for name, truth in truths.items():
                if truth is not None:
                    made = self.configs.pseudo_labeled(stage.round, name, cfg, pipeline)
                    parts = (made, dict(truth, pipeline=pipeline))
                    sets[name] = label_quality(*(build(p, cfg) for p in parts), known)
            return dict(sets=sets)

        return settings, run

    def _student(self, stage: Stage) -> Job:
        """Step 3."""
        training = self.plan.rounds[stage.round - 1].student
        cfg = self.configs.config(training, stage)
        sets = [k for k, part in self.plan.unlabeled.items() if not part.teachers_only]
        datasets = self._pseudo_labeled(stage.round, sets, cfg)
        if self.plan.mix_labeled:
            datasets += labeled_datasets(cfg, self.plan.labeled)
        init = training.init
        if init == PREVIOUS_STUDENT:
            _, init = self._network(stage.round - 1)
        return self._training_job(stage, cfg, training, init, datasets)

    def _finetune(self, stage: Stage) -> Job:
        """Step 4."""
        one_round = self.plan.rounds[stage.round - 1]
        cfg = self.configs.config(one_round.student, stage)
        cfg.merge_from_dict(one_round.finetune.options)
        student = self._checkpoint(f'{stage.round}-student')
        datasets = labeled_datasets(cfg, self.plan.labeled)
        return self._training_job(stage, cfg, one_round.finetune, student, datasets)

    def _pseudo_labeled(self, number: int, names: list[str], cfg: Config) -> list[dict]:
        """Sets with the labels of a round, with the pipeline of a config."""
        pipeline = cfg.train_dataloader.dataset.pipeline
        made = self.configs.pseudo_labeled
        return [made(number, name, cfg, pipeline) for name in names]

    def _seen_by_teachers(self, number: int) -> list[dict]:
        """The labelled data of all teachers up to a round."""
        tunings = [part.teacher for part in self.plan.rounds[:number]]
        own = [tuning.labeled for tuning in tunings if tuning and tuning.labeled]
        datasets = []
        for labeled in (self.plan.labeled, *own):
            cfg = self.configs.config(self.plan.teacher, labeled=labeled)
            datasets += labeled_datasets(cfg, labeled)
        return datasets

    def _training_job(
        self,
        stage: Stage,
        cfg: Config,
        training: Training | FineTuning | TeacherTuning,
        init: str | None,
        datasets: list[dict],
    ) -> Job:
        cfg.train_dataloader.dataset = together(datasets)
        if training.steps is not None:
            num_images = len(build(cfg.train_dataloader.dataset, cfg))
            batches = batches_per_epoch(cfg, num_images, get_world_size())
            set_length(cfg, training.steps, batches, self.plan.by_step)
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

        return settings, run

    def _evaluate(self, stage: Stage) -> Job:
        """Step 5: the network that the round ends with is the next teacher."""
        training, checkpoint = self._network(stage.round)
        cfg = self.configs.config(training, stage)
        tta, judged = self.plan.evaluation.tta, self.plan.evaluation.judged
        settings = dict(
            checkpoint=checkpoint, tta=tta, **_chosen(cfg, _EVALUATION_KEYS)
        )
        if not judged:
            settings['judged'] = False

        def run() -> dict:
            init_default_scope(cfg.get('default_scope', 'mmseg'))
            model = MODELS.build(copy.deepcopy(cfg.model))
            results: dict = dict(num_images=0, metrics={}, per_class_iou={})
            if judged:
                results = self.commands.test(cfg, checkpoint, tta=tta)
            return dict(
                checkpoint=checkpoint.removeprefix(f'{self.configs.work_dir}/'),
                parameters=sum(part.numel() for part in model.parameters()),
                num_images=results['num_images'],
                metrics=results['metrics'],
                **{key: results[key] for key in results if key.startswith('per_')},
            )

        return settings, run

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
        path = self.configs.work_dir / self.state.stages[stage]['result']['checkpoint']
        if not path.is_file():
            raise PlanError(
                f'{path} is gone. Restore it, or make it again with --redo-from {stage}'
            )
        return str(path)


def _chosen(cfg: Config, keys: tuple[str, ...]) -> dict[str, Any]:
    """The entries of a config that a result depends on."""
    settings = {key: cfg[key] for key in keys if cfg.get(key) is not None}
    for key, loader in settings.items():
        if key.endswith('_dataloader'):
            settings[key] = {k: v for k, v in loader.items() if k not in _SPEED_KEYS}
    return settings
