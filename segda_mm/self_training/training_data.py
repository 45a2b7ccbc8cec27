"""The data sets that the steps of Algorithm 1 train on, as configs."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope

from segda_mm.errors import PlanError
from segda_mm.registry import DATASETS

from .plan import Labeled, UnlabeledSet

#: Transforms that read a label file, of which a training pipeline has one.
LABEL_LOADERS = ('LoadPanopticLabels', 'LoadLabelIds', 'LoadAnnotations')

#: Metainfo that pseudo-labelled images share with the labelled ones.
_TASK = ('classes', 'palette', 'thing_classes', 'label_ids')

#: What is not compared where data sets are trained on together. The task is one by
#: construction, but may be in lists here and in tuples there.
_NOT_COMPARED = [*_TASK, 'label_map', 'reduce_zero_label']


def use_dataset(cfg: Config, loader: str, dataset: Mapping | None) -> None:
    """Merge a data set of the plan into that of a data loader, in place.

    Args:
        cfg: A whole config.
        loader: ``'train_dataloader'`` or ``'test_dataloader'``.
        dataset: What to change; with ``_delete_=True`` all but the pipeline is
            replaced. None changes nothing.
    """
    if dataset is None:
        return
    pipeline = cfg[loader].dataset.get('pipeline')
    cfg.merge_from_dict({loader: dict(dataset=copy.deepcopy(dict(dataset)))})
    if pipeline is not None and 'pipeline' not in cfg[loader].dataset:
        cfg[loader].dataset.pipeline = pipeline


def use_labeled(cfg: Config, labeled: Labeled) -> None:
    """Train a config on the labelled images of the plan, in place.

    Raises:
        PlanError: A share is asked of a data set that is not a plain one.
    """
    use_dataset(cfg, 'train_dataloader', labeled.dataset)
    dataset = cfg.train_dataloader.dataset
    if 'pipeline' not in dataset:
        raise PlanError(
            f'{cfg.filename}: train_dataloader.dataset is a {dataset.get("type")} '
            'without a pipeline of its own; set labeled.dataset of the plan to the '
            'data set that it wraps, with _delete_=True and its pipeline'
        )
    if labeled.share is not None:
        dataset.share = copy.deepcopy(labeled.share)


def unlabeled_dataset(part: UnlabeledSet) -> dict:
    """The config of the images of an unlabelled set, without pipeline."""
    dataset = copy.deepcopy(dict(part.images))
    if part.share is not None:
        dataset['share'] = copy.deepcopy(dict(part.share))
    return dataset


def pseudo_labeled_dataset(
    part: UnlabeledSet, labels: str | Path, metainfo: Mapping, pipeline: list
) -> dict:
    """The config of an unlabelled set with its pseudo labels.

    Args:
        part: The set.
        labels: Folder of its labels.
        metainfo: Of the labelled data set, as :func:`task_of` gives it.
        pipeline: A training pipeline that reads the labels; one that names
            the ids of the labelled files reads train ids instead.
    """
    pipeline = copy.deepcopy(list(pipeline))
    for transform in pipeline:
        if transform['type'] == 'LoadLabelIds':
            transform.pop('table', None)
    return dict(
        type='PseudoLabeledDataset',
        images=unlabeled_dataset(part),
        labels=str(labels),
        metainfo=dict(metainfo),
        pipeline=pipeline,
    )


def use_pseudo_labeled(cfg: Config, datasets: list[dict], mix_labeled: bool) -> None:
    """Train a config on pseudo-labelled images, in place.

    Args:
        cfg: A whole config whose training set is the labelled one.
        datasets: Of :func:`pseudo_labeled_dataset`.
        mix_labeled: Whether the labelled images stay, beside them.
    """
    if mix_labeled:
        datasets = [*datasets, cfg.train_dataloader.dataset]
    if len(datasets) == 1:
        cfg.train_dataloader.dataset = datasets[0]
    else:
        cfg.train_dataloader.dataset = dict(
            type='ConcatDataset', datasets=datasets, ignore_keys=_NOT_COMPARED
        )


def build(dataset: Mapping, cfg: Config):
    """Build a data set as the config's runner would; no file is opened."""
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    return DATASETS.build(copy.deepcopy(dataset))


def task_of(dataset) -> dict:
    """The metainfo of a built data set that its pseudo labels take over."""
    metainfo = dataset.metainfo
    return {
        key: _lists(metainfo[key]) for key in _TASK if metainfo.get(key) is not None
    }


def label_loader(pipeline: list) -> dict:
    """The transform of a training pipeline that reads the labels.

    Raises:
        PlanError: There is none.
    """
    for transform in pipeline:
        if transform['type'] in LABEL_LOADERS:
            return copy.deepcopy(dict(transform))
    raise PlanError(
        'the training pipeline reads no labels; it needs one of '
        f'{", ".join(LABEL_LOADERS)}'
    )


def batches_per_epoch(cfg: Config, num_images: int, num_processes: int) -> int:
    """Steps that one epoch of a config's training takes.

    Raises:
        PlanError: There are fewer images than one batch holds.
    """
    loader = cfg.train_dataloader
    per_process = -(-num_images // num_processes)
    if loader.get('drop_last', False):
        batches = per_process // loader.batch_size
    else:
        batches = -(-per_process // loader.batch_size)
    if not batches:
        raise PlanError(
            f'{num_images} images in {num_processes} processes do not fill a batch '
            f'of {loader.batch_size}; take a smaller train_dataloader.batch_size or '
            'a larger share of the images'
        )
    return batches


def _lists(value):
    if isinstance(value, list | tuple):
        return [_lists(part) for part in value]
    return value
