"""Goes over every file of the data sets of a config before a long run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
from mmengine.dataset import BaseDataset
from PIL import Image

from segda_mm.errors import DataError, MissingDataError
from segda_mm.ops.panoptic_codes import LABEL_DIVISOR
from segda_mm.registry import DATASETS

from .base import FolderSegDataset, image_problem
from .formats.label_checksums import require_unchanged_label
from .formats.label_files import (
    LabelTable,
    check_same_size,
    label_table,
    read_label_ids,
    to_train_ids,
)
from .formats.panoptic_labels import read_panoptic_codes
from .formats.subsets import read_name_list, write_name_list

#: What ``check_data`` can be asked to look at.
SPLITS = ('train', 'target', 'val', 'test')


class DatasetReport(NamedTuple):
    """What was found in one data set.

    ``key`` is where it stands in the config. ``pixels`` (K,) counts the
    pixels of each class, ``images`` (K,) the images with at least one,
    ``void_pixels`` the pixels of no class; the three are None without labels.
    ``problems`` are :class:`DataError` and :class:`MissingDataError`.
    """

    key: str
    type: str
    num_samples: int
    problems: list[Exception]
    classes: tuple[str, ...]
    pixels: np.ndarray | None
    images: np.ndarray | None
    void_pixels: int | None


def dataset_configs(cfg: dict, splits: tuple[str, ...]) -> dict[str, dict]:
    """Find the data sets of a config, inside wrappers too.

    Args:
        cfg: A whole config.
        splits: Some of ``SPLITS``; ``'target'`` is the target side of a
            domain pair, ``'train'`` everything else to train on.

    Returns:
        ``{config key: config of the data set}``. A data set that stands in
        several places with the same samples is given once.

    Raises:
        ValueError: The config has no data set for these splits.
    """
    found = {}
    for key, dataset in _walk_dataloaders(cfg):
        split = key.split('_')[0]
        if split == 'train' and '.target' in key:
            split = 'target'
        same = [
            _without_pipeline(dataset) == _without_pipeline(other)
            for other in found.values()
        ]
        if split in splits and not any(same):
            found[key] = dataset
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
    """Check every sample of the data sets that a config names.

    Every image and label file is decoded. Missing folders and pairs,
    unreadable files, label files of a wrong kind, sizes that differ and ids
    that are not known are collected, not raised. The labels of a data set with
    instances are those that ``LoadPanopticLabels`` reads.

    Args:
        cfg: A whole config.
        splits: Which data sets, see :func:`dataset_configs`.
        workers: Processes to use; 0 checks in this one.
        progress: Called with (config key, samples done, samples in all).

    Returns:
        A report for each data set.
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


def write_exclude(path: str, reports: list[DatasetReport]) -> int:
    """Write the names of all samples with a problem to a list file.

    Names that are in the file already stay: a check with ``exclude=`` set to
    this file does not see those samples again.

    Returns:
        How many names the file has now.
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
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        dataset = (cfg.get(loader) or {}).get('dataset')
        if dataset is not None:
            yield from _unwrap(f'{loader}.dataset', dataset)


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


def _without_pipeline(dataset: dict) -> dict:
    return {
        key: value
        for key, value in dataset.items()
        if key not in ('pipeline', 'test_mode')
    }


def _check_dataset(
    key: str, config: dict, workers: int, progress: Callable | None
) -> DatasetReport:
    try:
        dataset = DATASETS.build(dict(config, pipeline=[], lazy_init=True))
    except (MissingDataError, DataError) as error:
        return DatasetReport(key, config['type'], 0, [error], (), None, None, None)
    samples, problems = _find_samples(dataset, key)
    classes = tuple(dataset.metainfo.get('classes') or ())
    labelled = bool(samples) and 'seg_map_path' in samples[0]
    read = _label_reader(config, samples[0], len(classes)) if labelled else None
    check = partial(_check_sample, read=read, num_classes=len(classes))

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
    if not labelled:
        return DatasetReport(
            key, config['type'], len(samples), problems, classes, None, None, None
        )
    return DatasetReport(
        key,
        config['type'],
        len(samples),
        problems,
        classes,
        pixels[:-1],
        images[:-1],
        int(pixels[-1]),
    )


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
        return [], [
            DataError(
                f'{key}: {type(dataset).__name__} cannot list its samples: {error}'
            )
        ]


def _label_reader(config: dict, sample: dict, num_classes: int) -> Callable:
    """Choose a function (sample, (H, W) of the image) -> train ids (H, W)."""
    if 'thing_classes' in sample:
        return _read_panoptic
    return partial(_read_semantic, table=_table_of(config, sample, num_classes))


def _read_semantic(
    sample: dict, image_shape: tuple[int, int], table: LabelTable
) -> np.ndarray:
    file, path = sample['seg_map_path'], sample['img_path']
    ids = read_label_ids(file)
    check_same_size(
        ids.shape, image_shape, file, path, sample.get('relative_path', path)
    )
    return to_train_ids(ids, table, file, sample.get('label_map'))


def _read_panoptic(sample: dict, image_shape: tuple[int, int]) -> np.ndarray:
    return read_panoptic_codes(sample, image_shape) // LABEL_DIVISOR


def _table_of(config: dict, sample: dict, num_classes: int) -> LabelTable:
    for step in config.get('pipeline', ()):
        if step.get('type') == 'LoadLabelIds' and step.get('table'):
            return label_table(step['table'])
    if sample.get('label_table'):
        return label_table(sample['label_table'])
    return label_table({**{i: i for i in range(num_classes)}, 255: 255})


def _map(check: Callable, samples: list[dict], workers: int) -> Iterator:
    if workers < 1:
        yield from map(check, samples)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(check, samples, chunksize=8)


def _check_sample(
    sample: dict, read: Callable | None, num_classes: int
) -> tuple[DataError | None, np.ndarray | None]:
    """Check one sample's files.

    Returns:
        The problem or None, and the pixels per class with those of void last,
        (num_classes + 1,), or None without a readable label.
    """
    path = sample['img_path']
    name = sample.get('relative_path', path)
    problem = image_problem(path, name)
    if problem is not None or read is None:
        return problem, None
    try:
        with Image.open(path) as image:
            width, height = image.size
        require_unchanged_label(sample)
        train_ids = read(sample, (height, width))
    except DataError as error:
        error.name = name
        return error, None
    counts = np.bincount(train_ids.ravel(), minlength=256)
    return None, np.append(counts[:num_classes], counts[num_classes:].sum())
