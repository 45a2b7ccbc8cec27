"""Goes over every file of the data sets of a config before a long run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.dataset import BaseDataset

from segda_mm.errors import DataError, MissingDataError
from segda_mm.registry import DATASETS

from .base import FolderSegDataset, image_problem
from .class_counts import count_pixels, read_train_ids
from .formats.subsets import read_name_list, write_name_list
from .transforms import LoadLabelIds, LoadPanopticLabels

#: What ``check_data`` can be asked to look at.
SPLITS = ('train', 'target', 'val', 'test')


class DatasetReport(NamedTuple):
    """What was found in one data set, whose place in the config is ``key``.

    ``pixels`` (K,) counts the pixels of each class, ``images`` (K,) the images with
    at least one; these and ``void_pixels`` are None without labels.
    """

    key: str
    type: str
    num_samples: int
    problems: list[Exception]
    classes: tuple[str, ...] = ()
    pixels: np.ndarray | None = None
    images: np.ndarray | None = None
    void_pixels: int | None = None


def dataset_configs(cfg: dict, splits: tuple[str, ...]) -> dict[str, dict]:
    """Find the data sets of a config, inside wrappers too.

    Args:
        cfg: A whole config.
        splits: Some of ``SPLITS``; ``'target'`` is the target side of a domain
            pair, ``'train'`` everything else to train on.

    Returns:
        ``{config key: config of the data set}``, once for the same samples.

    Raises:
        ValueError: The config has no data set for these splits.
    """
    found, samples = {}, []
    for key, dataset in _walk_dataloaders(cfg):
        split = key.split('_')[0]
        if split == 'train' and '.target' in key:
            split = 'target'
        chosen_by = {
            name: value
            for name, value in dataset.items()
            if name not in ('pipeline', 'test_mode')
        }
        if split in splits and chosen_by not in samples:
            found[key] = dataset
            samples.append(chosen_by)
    if not found:
        raise ValueError(
            'the config has no data set for '
            f'{" or ".join(splits)}: there is no such '
            '*_dataloader.dataset in it'
        )
    return found


def check_data(
    cfg: dict,
    splits: tuple[str, ...] = SPLITS,
    workers: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[DatasetReport]:
    """Check every sample of the data sets that a config names; collect all problems.

    Every image and label file is decoded, labels as a training reads them.

    Args:
        cfg: A whole config.
        splits: Which data sets, see :func:`dataset_configs`.
        workers: Processes to use; 0 checks in this one.
        progress: Called with (config key, samples done, samples in all).
    """
    return [
        _check_dataset(key, dataset, workers, progress)
        for key, dataset in dataset_configs(cfg, splits).items()
    ]


def format_report(report: DatasetReport) -> str:
    """Write a report as text: problems first, then the class histogram."""
    lines = [
        f'{report.key} ({report.type}): {report.num_samples} samples, '
        f'{len(report.problems)} problems'
    ]
    lines += [f'  {problem}' for problem in report.problems]
    if report.pixels is None:
        if report.num_samples:
            lines.append('  no labels are read from this data set')
        return '\n'.join(lines)
    total = max(int(report.pixels.sum()) + report.void_pixels, 1)
    width = max(len(name) for name in (*report.classes, 'class'))
    lines.append(f'  {"class":{width}}  {"pixels":>9}  images with it')
    for name, pixels, images in zip(report.classes, report.pixels, report.images):
        absent = '' if images else '  absent: nothing to learn or to score'
        lines.append(f'  {name:{width}}  {pixels / total:>9.3%}  {images}{absent}')
    lines.append(f'  {"(void)":{width}}  {report.void_pixels / total:>9.3%}')
    return '\n'.join(lines)


def write_exclude(path: str | os.PathLike, reports: list[DatasetReport]) -> int:
    """Write the names of all samples with a problem to a list file.

    Names that are in it already stay. Returns how many it has now.
    """
    names = {
        problem.name
        for report in reports
        for problem in report.problems
        if isinstance(problem, DataError) and problem.name
    }
    if os.path.exists(path):
        names.update(read_name_list(path))
    write_name_list(
        path, sorted(names), 'images with problems, for exclude= of a data set'
    )
    return len(names)


def _walk_dataloaders(cfg: dict) -> Iterator[tuple[str, dict]]:
    for split in ('train', 'val', 'test'):
        key = f'{split}_dataloader'
        if (cfg.get(key) or {}).get('dataset') is not None:
            yield from _unwrap(f'{key}.dataset', cfg[key]['dataset'])


def _unwrap(key: str, dataset: dict) -> Iterator[tuple[str, dict]]:
    inner = {
        name: dataset[name]
        for name in ('dataset', 'source', 'target')
        if isinstance(dataset.get(name), dict)
    }
    inner.update(
        {f'datasets[{i}]': part for i, part in enumerate(dataset.get('datasets', ()))}
    )
    if not inner:
        yield key, dataset
    for name, part in inner.items():
        yield from _unwrap(f'{key}.{name}', part)


def _check_dataset(
    key: str, config: dict, workers: int, progress: Callable | None
) -> DatasetReport:
    try:
        dataset = DATASETS.build(dict(config, pipeline=[], lazy_init=True))
    except (MissingDataError, DataError) as error:
        return DatasetReport(key, config['type'], 0, [error])
    samples, problems = _find_samples(dataset, key)
    classes = tuple(dataset.metainfo.get('classes') or ())
    labelled = bool(samples) and 'seg_map_path' in samples[0]
    loader = _label_loader(config, samples[0], len(classes)) if labelled else None
    check = partial(_check_sample, loader=loader, num_classes=len(classes))

    pixels = np.zeros(len(classes) + 1, dtype=np.int64)
    images = np.zeros(len(classes) + 1, dtype=np.int64)
    for done, (problem, counts) in enumerate(_map(check, samples, workers), start=1):
        if problem is not None:
            problems.append(problem)
        if counts is not None:
            pixels += counts
            images += counts > 0
        if progress is not None:
            progress(key, done, len(samples))
    counted = (pixels[:-1], images[:-1], int(pixels[-1])) if labelled else ()
    return DatasetReport(key, config['type'], len(samples), problems, classes, *counted)


def _find_samples(dataset: BaseDataset, key: str) -> tuple[list[dict], list[Exception]]:
    """List a data set's samples; a failure to do so is a problem."""
    try:
        if isinstance(dataset, FolderSegDataset):
            return dataset.scan()
        dataset.full_init()
        return [dataset.get_data_info(i) for i in range(len(dataset))], []
    except (MissingDataError, DataError) as error:
        return [], [error]
    except (OSError, AssertionError, ValueError) as error:
        what = f'{key}: {type(dataset).__name__} cannot list its samples: {error}'
        return [], [DataError(what)]


def _label_loader(config: dict, sample: dict, num_classes: int) -> BaseTransform:
    if 'thing_classes' in sample:
        return LoadPanopticLabels()
    for step in config.get('pipeline', ()):
        if step.get('type') == 'LoadLabelIds' and step.get('table'):
            return LoadLabelIds(step['table'])
    if sample.get('label_table'):
        return LoadLabelIds()
    return LoadLabelIds({**{i: i for i in range(num_classes)}, 255: 255})


def _map(check: Callable, samples: list[dict], workers: int) -> Iterator:
    if workers < 1:
        yield from map(check, samples)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(check, samples, chunksize=8)


def _check_sample(
    sample: dict, loader: BaseTransform | None, num_classes: int
) -> tuple[DataError | None, np.ndarray | None]:
    """The problem of a sample or None, and its counts where a label is readable."""
    name = sample.get('relative_path', sample['img_path'])
    problem = image_problem(sample['img_path'], name)
    if problem is not None or loader is None:
        return problem, None
    try:
        return None, count_pixels(read_train_ids(loader, sample), num_classes)
    except DataError as error:
        error.name = name
        return error, None
