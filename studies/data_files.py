"""Which files a run reads, by their names and sizes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mmengine.config import Config

from segda_mm.apis.self_training_context import PlanContext
from segda_mm.self_training.training_data import build, unlabeled_dataset

#: Attributes in which data sets hold those that they are made of.
_PARTS = ('dataset', 'datasets', 'source', 'target')


def hash_of_training_data(cfg: Config) -> str:
    """The hash of what a config trains, validates and tests on.

    Args:
        cfg: A whole config. Its data have to be there.

    Returns:
        SHA-256 over the sorted paths below their data roots and the sizes in
        bytes of all images and labels, in hexadecimal digits. No file is opened.
    """
    loaders = ('train_dataloader', 'val_dataloader', 'test_dataloader')
    datasets = [cfg[key]['dataset'] for key in loaders if cfg.get(key) is not None]
    return _hash(build(dataset, cfg) for dataset in datasets)


def hash_of_plan_data(plan_cfg: Config) -> str:
    """The hash of the data sets that a plan names.

    Args:
        plan_cfg: A whole plan. Its data have to be there.

    Returns:
        As :func:`hash_of_training_data`; pseudo labels do not enter.
    """
    context = PlanContext(plan_cfg)
    cfg = context.config(context.plan.teacher)
    datasets = [cfg.train_dataloader.dataset, cfg.test_dataloader.dataset]
    for part in context.plan.unlabeled.values():
        datasets.append(dict(unlabeled_dataset(part), pipeline=[]))
        if part.truth is not None:
            datasets.append(dict(part.truth, pipeline=[]))
    return _hash(build(dataset, cfg) for dataset in datasets)


def _hash(datasets: Iterable[Any]) -> str:
    files = {file for dataset in datasets for file in _files(dataset)}
    lines = sorted(f'{name}\t{os.path.getsize(path)}\n' for name, path in files)
    return hashlib.sha256(''.join(lines).encode()).hexdigest()


def _files(dataset: Any) -> Iterator[tuple[str, str]]:
    """(Name below the data root, path) of every file in a list of samples."""
    parts = [getattr(dataset, name) for name in _PARTS if hasattr(dataset, name)]
    for part in parts:
        for inner in part if isinstance(part, list | tuple) else [part]:
            yield from _files(inner)
    if parts:
        return
    root = os.path.abspath(getattr(dataset, 'data_root', None) or '')
    for index in range(len(dataset)):
        for value in _texts(dataset.get_data_info(index)):
            if os.path.isfile(value):
                path = os.path.abspath(value)
                yield os.path.relpath(path, root).replace(os.sep, '/'), path


def _texts(info: Mapping[str, Any]) -> Iterator[str]:
    return (value for value in info.values() if isinstance(value, str))
