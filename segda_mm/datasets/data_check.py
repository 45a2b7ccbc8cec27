"""Goes over every file of the data sets of a config before a long run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import partial
from typing import NamedTuple

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.datasets.transforms import LoadAnnotations

from segda_mm.errors import DataError, MissingDataError
from segda_mm.files import write_text
from segda_mm.registry import DATASETS, TRANSFORMS

from .base import FolderSegDataset, image_problem
from .class_counts import LABEL_LOADERS, count_pixels, read_train_ids
from .formats.cityscapes_labels import IGNORE_INDEX
from .formats.images import is_shown_turned, open_image
from .formats.subsets import read_name_list
from .transforms import LoadLabelIds, LoadPanopticLabels

#: What ``check_data`` can be asked to look at: ``'target'`` is the target side of a
#: domain pair, ``'train'`` everything else to train on.
SPLITS = ('train', 'target', 'val', 'test')


class DatasetReport(NamedTuple):
    """What was found in one data set, whose place in the config is ``key``.

    ``pixels`` (K,) counts the pixels of each class, ``images`` (K,) the images with
    at least one; these and ``void_pixels`` are None without labels. Of
    ``shown_turned`` images EXIF says that viewers turn them.
    """

    key: str
    type: str
    num_samples: int
    problems: list[Exception]
    classes: tuple[str, ...] = ()
    pixels: np.ndarray | None = None
    images: np.ndarray | None = None
    void_pixels: int | None = None
    shown_turned: int = 0


def dataset_configs(cfg: dict, splits: tuple[str, ...]) -> dict[str, dict]:
    """Find the data sets of a config, inside wrappers too, by their config keys.

    Of data sets with the same samples the first one is taken.
    """
    found, samples = {}, []
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        outermost = (cfg.get(loader) or {}).get('dataset')
        for key, dataset in _unwrap(f'{loader}.dataset', outermost or {}):
            split = loader.split('_')[0]
            if split == 'train' and '.target' in key:
                split = 'target'
            chosen_by = {**dataset, 'pipeline': None, 'test_mode': None}
            if split in splits and dataset and chosen_by not in samples:
                found[key] = dataset
                samples.append(chosen_by)
    if not found:
        raise ValueError(
            f'the config has no data set for {" or ".join(splits)}: there is no such '
            '*_dataloader.dataset in it'
        )
    return found


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


def check_data(
    cfg: dict,
    splits: tuple[str, ...] = SPLITS,
    workers: int = 0,
    progress: Callable[[str, int, int], None] = lambda key, done, total: None,
) -> list[DatasetReport]:
    """Check every sample of the data sets that a config names; collect all problems.

    Every image and label file is decoded, labels as a training reads them.

    Args:
        cfg: A whole config.
        splits: Some of ``SPLITS``.
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
    if report.shown_turned:
        lines.append(
            f'  {report.shown_turned} images look turned in a viewer (EXIF orientation)'
            ': they are read as they are stored, and labels have to lie so too'
        )
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
    """Add the names of all samples with a problem to a list file; its new length."""
    names = {
        problem.name
        for report in reports
        for problem in report.problems
        if isinstance(problem, DataError) and problem.name
    }
    if os.path.exists(path):
        names.update(read_name_list(path))
    comment = '# images with problems, for exclude= of a data set'
    write_text(path, '\n'.join([comment, *sorted(names), '']))
    return len(names)


def _check_dataset(
    key: str, config: dict, workers: int, progress: Callable
) -> DatasetReport:
    try:
        dataset = DATASETS.build(dict(config, pipeline=[], lazy_init=True))
        if isinstance(dataset, FolderSegDataset):
            samples, problems = dataset.scan()
        else:
            dataset.full_init()
            samples = [dataset.get_data_info(i) for i in range(len(dataset))]
            problems = []
    except (MissingDataError, DataError) as error:
        return DatasetReport(key, config['type'], 0, [error])
    except (OSError, AssertionError, ValueError) as error:
        what = f'{key}: {config["type"]} cannot list its samples: {error}'
        return DatasetReport(key, config['type'], 0, [DataError(what)])
    classes = tuple(dataset.metainfo.get('classes') or ())
    labelled = bool(samples) and 'seg_map_path' in samples[0]
    loader = _label_loader(config, samples[0]) if labelled else None
    check = partial(_check_sample, loader=loader, num_classes=len(classes))

    pixels = np.zeros(len(classes) + 1, dtype=np.int64)
    images = np.zeros(len(classes) + 1, dtype=np.int64)
    shown_turned = 0
    with ProcessPoolExecutor(workers) if workers > 0 else nullcontext() as pool:
        found = pool.map(check, samples, chunksize=8) if pool else map(check, samples)
        for done, (problem, counts, turned) in enumerate(found, start=1):
            shown_turned += turned
            if problem is not None:
                problems.append(problem)
            if counts is not None:
                pixels += counts
                images += counts > 0
            progress(key, done, len(samples))
    counted = (pixels[:-1], images[:-1], int(pixels[-1])) if labelled else (None,) * 3
    return DatasetReport(
        key, config['type'], len(samples), problems, classes, *counted, shown_turned
    )


def _label_loader(config: dict, sample: dict) -> BaseTransform:
    """What reads the labels in a training: a step of the pipeline, if it has one."""
    for step in config.get('pipeline', ()):
        kind = step.get('type')
        kind = TRANSFORMS.get(kind) if isinstance(kind, str) else kind
        if isinstance(kind, type) and issubclass(kind, LABEL_LOADERS):
            # Pixels are counted as they are in the file.
            left_out = ('scale',) if issubclass(kind, LoadLabelIds) else ()
            return TRANSFORMS.build(
                {k: v for k, v in step.items() if k not in left_out}
            )
    if 'thing_classes' in sample:
        return LoadPanopticLabels()
    return LoadLabelIds() if sample.get('label_table') else LoadAnnotations()


def _require_known(ids: np.ndarray, num_classes: int, file: str) -> None:
    wrong = ids[(ids >= num_classes) & (ids != IGNORE_INDEX)]
    if num_classes and len(wrong):
        raise DataError(
            f'has ids {np.unique(wrong)[:10].tolist()} in {len(wrong)} pixels, but the '
            f'data set has {num_classes} classes: 0 to {num_classes - 1}, and '
            f'{IGNORE_INDEX} for void',
            file=file,
            remedy='Use LoadLabelIds(table={id in the file: class}) in the pipeline, '
            'or name the classes in metainfo=',
        )


def _check_sample(
    sample: dict, loader: BaseTransform | None, num_classes: int
) -> tuple[DataError | None, np.ndarray | None, bool]:
    """The problem of a sample or None, its counts where a label is readable, and
    whether viewers turn its image."""
    name = sample.get('relative_path', sample['img_path'])
    problem = image_problem(sample['img_path'], name)
    if problem is not None:
        return problem, None, False
    with open_image(sample['img_path']) as image:
        turned = is_shown_turned(image)
    if loader is None:
        return None, None, turned
    try:
        ids = read_train_ids(loader, sample)
        _require_known(ids, num_classes, sample['seg_map_path'])
        return None, count_pixels(ids, num_classes), turned
    except DataError as error:
        error.name = name
        return error, None, turned
