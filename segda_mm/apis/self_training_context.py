"""A plan with the folder it works in: where things are, and their configs."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config

from segda_mm.self_training import Stage, parse_plan
from segda_mm.self_training.plan import Training
from segda_mm.self_training.training_data import (
    build,
    label_loader,
    pseudo_labeled_dataset,
    task_of,
    use_dataset,
    use_labeled,
)

from .config import load_config


class PlanContext:
    """A plan, its work directory, and what follows from both.

    Args:
        cfg: a plan with a ``work_dir``, as :func:`load_config` gives it.
            ``make_data`` names the command that writes its data.

    Raises:
        PlanError: the plan is wrong.
    """

    def __init__(self, cfg: Config) -> None:
        self.plan = parse_plan(cfg.to_dict())
        self.work_dir = Path(cfg.work_dir)
        self.launcher = cfg.get('launcher', 'none')
        self.make_data = cfg.get('make_data')

    def config(self, training: Training, stage: Stage | None = None) -> Config:
        """The config of a training, on the labelled images, as the plan has it.

        Args:
            training: Of the plan.
            stage: Whose folder becomes ``work_dir``; None takes that of the plan.
        """
        folder = self.work_dir if stage is None else self.folder(stage)
        cfg = load_config(training.config, work_dir=folder)
        cfg.launcher = self.launcher
        cfg.merge_from_dict(training.options)
        cfg.merge_from_dict(dict(randomness=dict(seed=self.plan.seed)))
        use_labeled(cfg, self.plan.labeled)
        use_dataset(cfg, 'test_dataloader', self.plan.evaluation.dataset)
        return cfg

    def labeled(self, cfg: Config):
        """The labelled images of such a config, as a built data set."""
        return build(cfg.train_dataloader.dataset, cfg)

    def folder(self, stage: Stage) -> Path:
        """Where a stage keeps its files."""
        return self.work_dir / stage.name

    def labels(self, number: int, name: str) -> Path:
        """Where the labels of a set lie that were made in a round."""
        return self.folder(Stage(number, 'label')) / name

    def pseudo_labeled(
        self, number: int, name: str, cfg: Config, pipeline: list
    ) -> dict:
        """The config of a set with the labels of a round.

        Args:
            number: The round.
            name: Of the set.
            cfg: Of :meth:`config`; its labelled images give the metainfo.
            pipeline: Reads the labels.
        """
        return pseudo_labeled_dataset(
            self.plan.unlabeled[name],
            self.labels(number, name),
            task_of(self.labeled(cfg)),
            pipeline,
        )


def reading_pipeline(cfg: Config) -> list[dict]:
    """Read image and labels as a config's training does, and change nothing."""
    loader = label_loader(cfg.train_dataloader.dataset.pipeline)
    return [dict(type='LoadImageFromFile'), loader]
