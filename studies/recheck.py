"""Recompute the figures of an evaluation from its label maps, by torchmetrics.

Of the project's own code only what reads label files is used, none of what counts or
divides.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope
from mmseg.datasets import BaseSegDataset
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image
from torchmetrics.aggregation import MeanMetric
from torchmetrics.classification import MulticlassConfusionMatrix
from torchmetrics.functional.classification import multiclass_accuracy

from segda_mm.datasets import LoadLabelIds, LoadPanopticLabels
from segda_mm.registry import DATASETS
from studies.study import StudyError

VOID = 255
#: Two figures that differ by more, in percent, are not of the same predictions:
#: reported ones are rounded to two decimals.
TOLERANCE = 0.01

_LABEL_LOADERS = (LoadLabelIds, LoadPanopticLabels, LoadAnnotations)


def recheck_predictions(folder: Path, dataset: Mapping) -> dict:
    """Score label maps anew.

    Args:
        folder: PNGs of train ids, one for each image and named as it, as
            ``tools/test.py --out`` writes them.
        dataset: Config of the data set that was predicted. Labels are compared at
            their full size, whatever else its pipeline does.

    Returns:
        Percentages, not rounded: ``mIoU`` over the classes that are in the labels
        or predicted where there is a label, ``aAcc`` over the pixels with a label,
        ``pixel_precision``, the mean over the images of the share of correct
        pixels, void ones counted wrong, and ``per_class_iou`` (class -> percent,
        None for one that the mean leaves out); and ``num_images``.

    Raises:
        StudyError: predictions are not those of the images, or of unknown classes.
    """
    samples = _build_label_dataset(dataset)
    images = [samples.get_data_info(i)['img_path'] for i in range(len(samples))]
    files = [folder / f'{Path(image).stem}.png' for image in images]
    if sorted(files) != sorted(folder.glob('*.png')):
        raise StudyError(
            f'{folder} does not have one label map for each of the {len(files)} images '
            'of the data set; remove it and evaluate again'
        )
    classes = samples.metainfo['classes']
    confusion = MulticlassConfusionMatrix(
        len(classes), ignore_index=VOID, validate_args=False
    )
    precision = MeanMetric()
    for index, file in enumerate(files):
        sample = samples[index]
        truth = sample['gt_seg_map']
        with Image.open(file) as image:
            prediction = np.array(image)
        if prediction.shape != truth.shape or prediction.max() >= len(classes):
            raise StudyError(f'{file} is no label map for {sample["seg_map_path"]}')
        pair = torch.from_numpy(prediction), torch.from_numpy(truth)
        confusion.update(*pair)
        # Void as a class of its own, which is never predicted.
        precision.update(
            multiclass_accuracy(
                *pair, num_classes=VOID + 1, average='micro', validate_args=False
            )
        )
    counts = confusion.compute().double()
    correct = counts.diagonal()
    union = counts.sum(0) + counts.sum(1) - correct
    iou = {
        name: 100 * share if total else None
        for name, share, total in zip(
            classes, (correct / union).tolist(), union.tolist(), strict=True
        )
    }
    return dict(
        mIoU=fmean(value for value in iou.values() if value is not None),
        aAcc=100 * (correct.sum() / counts.sum()).item(),
        pixel_precision=100 * precision.compute().item(),
        per_class_iou=iou,
        num_images=len(files),
    )


def check_predictions(folder: Path, dataset: Mapping, report: Mapping) -> dict:
    """See that label maps have the figures that were reported of them.

    Args:
        folder: Of the label maps.
        dataset: See :func:`recheck_predictions`.
        report: What :func:`segda_mm.apis.test` returns.

    Returns:
        What :func:`recheck_predictions` finds, and ``max_difference``, in percent.

    Raises:
        StudyError: a figure differs, or the label maps are wrong.
    """
    found = recheck_predictions(folder, dataset)
    reported = dict(report['metrics'], **report['per_class_iou'])
    recomputed = dict(found, **found['per_class_iou'])
    differences = {
        name: _difference(value, recomputed[name])
        for name, value in reported.items()
        if name in recomputed
    }
    worst = max(differences, key=differences.get)
    if differences[worst] > TOLERANCE or report['num_images'] != found['num_images']:
        raise StudyError(
            f'the test reports {worst} {reported[worst]} of {report["num_images"]} '
            f'images, but the {found["num_images"]} label maps in {folder} have '
            f'{recomputed[worst]}; no result is kept'
        )
    return dict(found, max_difference=differences[worst])


def _difference(one: float | None, other: float | None) -> float:
    """Infinite where one of the two alone is undefined."""
    if one is None or other is None:
        return 0.0 if one is other else float('inf')
    return abs(one - other)


def _build_label_dataset(config: Mapping) -> BaseSegDataset:
    """The data set, with nothing in its pipeline but what loads the labels."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build(copy.deepcopy(config))
    steps = dataset.pipeline.transforms
    loaders = [step for step in steps if isinstance(step, _LABEL_LOADERS)]
    dataset.pipeline = Compose([_add_image_size, *loaders])
    return dataset


def _add_image_size(sample: dict) -> dict:
    with Image.open(sample['img_path']) as image:
        width, height = image.size
    return dict(sample, ori_shape=(height, width))
