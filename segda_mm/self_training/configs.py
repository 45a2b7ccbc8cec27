"""The configs of a plan's trainings: their images, labels and length."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope

from segda_mm.errors import PlanError
from segda_mm.registry import DATASETS

from .plan import Labeled, Stage, Training, UnlabeledSet, parse_plan

#: Transforms that read a label file, of which a training pipeline has one.
_LABEL_LOADERS = ('LoadPanopticLabels', 'LoadLabelIds', 'LoadAnnotations')

#: Metainfo that pseudo-labelled images share with the labelled ones.
_TASK = ('classes', 'palette', 'thing_classes', 'label_ids')

#: What is not compared where data sets are trained on together. The task is one by
#: construction, but may be in lists here and in tuples there.
_NOT_COMPARED = [*_TASK, 'label_map', 'reduce_zero_label']


class PlanConfigs:
    """A plan with its ``work_dir``, and the configs that follow; maybe PlanError.

    ``load_config`` gives the whole config of a file and a ``work_dir``.
    """

    def __init__(self, cfg: Config, load_config: Callable[..., Config]) -> None:
        self.plan = parse_plan(cfg.to_dict())
        self.work_dir = Path(cfg.work_dir)
        self.launcher = cfg.get('launcher', 'none')
        self.make_data = cfg.get('make_data')
        self._load_config = load_config

    def config(
        self,
        training: Training,
        stage: Stage | None = None,
        labeled: Labeled | None = None,
    ) -> Config:
        """The config of a training on the labelled images, in a stage's folder.

        Those of the plan, if no others are given; without :attr:`Labeled.more`.
        """
        folder = self.work_dir if stage is None else self.folder(stage)
        cfg = self._load_config(training.config, work_dir=folder)
        cfg.launcher = self.launcher
        cfg.merge_from_dict(training.options)
        cfg.merge_from_dict(dict(randomness=dict(seed=self.plan.seed)))
        labeled = labeled or self.plan.labeled
        _use_dataset(cfg, 'train_dataloader', labeled.dataset)
        dataset = cfg.train_dataloader.dataset
        if 'pipeline' not in dataset:
            raise PlanError(
                f'{cfg.filename}: train_dataloader.dataset has no pipeline; set '
                'labeled.dataset of the plan to the data set that it wraps, with '
                '_delete_=True and its pipeline'
            )
        if labeled.share is not None:
            dataset.share = copy.deepcopy(labeled.share)
        _use_dataset(cfg, 'test_dataloader', self.plan.evaluation.dataset)
        return cfg

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

        Its metainfo is that of the labelled images of ``cfg``. The pipeline reads
        the labels as train ids, whatever table it names.
        """
        metainfo = build(cfg.train_dataloader.dataset, cfg).metainfo
        pipeline = copy.deepcopy(list(pipeline))
        for transform in pipeline:
            if transform['type'] == 'LoadLabelIds':
                transform.pop('table', None)
        task = {key: metainfo[key] for key in _TASK if metainfo.get(key) is not None}
        return dict(
            type='PseudoLabeledDataset',
            images=unlabeled_dataset(self.plan.unlabeled[name]),
            labels=str(self.labels(number, name)),
            metainfo=json.loads(json.dumps(task)),
            pipeline=pipeline,
        )


def unlabeled_dataset(part: UnlabeledSet) -> dict:
    """The config of the images of an unlabelled set, without pipeline."""
    dataset = copy.deepcopy(dict(part.images))
    if part.share is not None:
        dataset['share'] = copy.deepcopy(dict(part.share))
    return dataset


def labeled_datasets(cfg: Config, labeled: Labeled) -> list[dict]:
    """The labelled images of a config and more, with its pipeline."""
    dataset = cfg.train_dataloader.dataset
    more = copy.deepcopy(list(labeled.more.values()))
    return [dataset, *(dict(part, pipeline=dataset.pipeline) for part in more)]


def together(datasets: list[dict]) -> dict:
    """The config of one data set or of several."""
    concatenated = dict(
        type='ConcatDataset', datasets=datasets, ignore_keys=_NOT_COMPARED
    )
    return datasets[0] if len(datasets) == 1 else concatenated


def build(dataset: Mapping, cfg: Config) -> BaseDataset:
    """Build a data set as the config's runner would; no file is opened."""
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    return DATASETS.build(copy.deepcopy(dataset))


def reading_pipeline(cfg: Config) -> list[dict]:
    """Read image and labels as a config's training does, and change nothing."""
    for transform in cfg.train_dataloader.dataset.pipeline:
        if transform['type'] in _LABEL_LOADERS:
            return [dict(type='LoadImageFromFile'), copy.deepcopy(dict(transform))]
    loaders = ', '.join(_LABEL_LOADERS)
    raise PlanError(f'the training pipeline reads no labels; it needs one of {loaders}')


def index_by_name(dataset: BaseDataset) -> dict[str, int]:
    """Where the images of a built data set are, by their ``relative_path``."""
    return {
        dataset.get_data_info(index)['relative_path']: index
        for index in range(len(dataset))
    }


def batches_per_epoch(cfg: Config, num_images: int, num_processes: int) -> int:
    """Steps of one epoch of a config's training; PlanError if there is none."""
    loader = cfg.train_dataloader
    rounded = math.floor if loader.get('drop_last', False) else math.ceil
    batches = rounded(math.ceil(num_images / num_processes) / loader.batch_size)
    if not batches:
        raise PlanError(
            f'{num_images} images in {num_processes} processes do not fill a batch '
            f'of {loader.batch_size}; take a smaller one, or more images'
        )
    return batches


def set_length(
    cfg: Config, steps: int, batches_per_epoch: int, by_step: bool = False
) -> None:
    """Make a training ``steps`` long, in place, rounded to whole epochs.

    Schedules that last to the end of the training end with the new end; others, as
    a warm-up, stay. ``by_step`` does not round, but shortens the epochs, each of which
    draws its images from all; polynomial schedules in epochs become such in steps.
    """
    epochs = max(1, round(steps / batches_per_epoch))
    whole = cfg.train_cfg.max_epochs
    if by_step:
        steps = max(1, steps)
        fewest = math.ceil(steps / batches_per_epoch)
        epochs = next(n for n in range(fewest, steps + 1) if steps % n == 0)
        batches_per_epoch = steps // epochs
        loader = cfg.train_dataloader
        loader.sampler = dict(
            loader.sampler, per_epoch=batches_per_epoch * loader.batch_size
        )
    schedulers = cfg.get('param_scheduler') or []
    if isinstance(schedulers, dict):
        schedulers = [schedulers]
    schedulers = [part for part in schedulers if part.get('end') is not None]
    in_steps = [part for part in schedulers if not part.get('by_epoch', True)]
    last_step = max((part['end'] for part in in_steps), default=0)
    for scheduler in schedulers:
        if not scheduler.get('by_epoch', True):
            if scheduler['end'] == last_step:
                scheduler['end'] = epochs * batches_per_epoch
        elif by_step and scheduler['type'] == 'PolyLR' and scheduler['end'] >= whole:
            scheduler.update(by_epoch=False, end=steps)
        elif scheduler['end'] >= whole:
            # Some end one epoch later, so that the last epoch still learns.
            scheduler['end'] += epochs - whole
    cfg.train_cfg.max_epochs = epochs
    checkpoint = dict(
        type='SafeCheckpointHook',
        by_epoch=True,
        interval=max(1, epochs // 20),
        max_keep_ckpts=2,
        save_last=True,
    )
    cfg.merge_from_dict(dict(default_hooks=dict(checkpoint=checkpoint)))


def _use_dataset(cfg: Config, loader: str, dataset: Mapping | None) -> None:
    if dataset is None:
        return
    pipeline = cfg[loader].dataset.get('pipeline')
    cfg.merge_from_dict({loader: dict(dataset=copy.deepcopy(dict(dataset)))})
    if pipeline is not None and 'pipeline' not in cfg[loader].dataset:
        cfg[loader].dataset.pipeline = pipeline
