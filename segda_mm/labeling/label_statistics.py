"""Figures of label files, for each image and for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .formats import PanopticFormat, SemanticFormat, count_instances


def image_statistics(
    label_format: SemanticFormat | PanopticFormat,
    predicted: np.ndarray,
    values: np.ndarray,
    has_thresholds: bool,
) -> dict[str, Any]:
    """Count what an image's label file holds.

    Args:
        label_format: The format of the file.
        predicted: Train ids before thresholds, shape (H, W), 255 where void.
        values: What the file holds, shape (H, W).
        has_thresholds: Whether pixels under thresholds were made void.

    Returns:
        ``area`` (pixels of the image), ``pixels`` (predicted as each class),
        with thresholds ``kept`` (left of them), and of a panoptic label
        ``instances`` of each class. Whole numbers all, whose sums do not
        depend on the order.
    """
    num_classes = label_format.num_classes
    statistics = dict(area=values.size, pixels=_count(predicted, num_classes))
    if has_thresholds:
        classes = label_format.classes_of_values(values)
        statistics['kept'] = _count(classes, num_classes)
    if label_format.has_instances:
        statistics['instances'] = count_instances(values, num_classes)
    return statistics


def summarize(
    entries: Iterable[dict[str, Any]],
    class_names: Sequence[str],
    thresholds: Sequence[float] | None,
) -> dict[str, Any]:
    """Add up the statistics of images.

    Args:
        entries: Results of :func:`image_statistics`.
        class_names: Of the C classes.
        thresholds: Of the C classes, where they hold for all images.

    Returns:
        ``num_images``, ``area``, ``void_share`` of all pixels, and ``classes``:
        for each ``name``, ``pixels`` predicted as it, ``images`` with one of
        them, and where there are such: ``threshold``, ``kept_share`` (None
        without a pixel) and ``instances``.
    """
    count = len(class_names)
    num_images = area = 0
    sums = {
        key: np.zeros(count, np.int64)
        for key in ('pixels', 'kept', 'instances', 'images')
    }
    keys = set()
    for entry in entries:
        num_images += 1
        area += entry['area']
        sums['images'] += np.array(entry['pixels']) > 0
        for key in entry.keys() & sums.keys():
            sums[key] += entry[key]
            keys.add(key)
    classes = []
    for index, name in enumerate(class_names):
        pixels = int(sums['pixels'][index])
        figures = dict(name=name, pixels=pixels, images=int(sums['images'][index]))
        if thresholds is not None:
            figures['threshold'] = thresholds[index]
        if 'kept' in keys:
            kept = int(sums['kept'][index])
            figures['kept_share'] = kept / pixels if pixels else None
        if 'instances' in keys:
            figures['instances'] = int(sums['instances'][index])
        classes.append(figures)
    labelled = int(sums['kept' if 'kept' in keys else 'pixels'].sum())
    return dict(
        num_images=num_images,
        area=area,
        void_share=1 - labelled / area if area else None,
        classes=classes,
    )


def _count(classes: np.ndarray, num_classes: int) -> list[int]:
    return np.bincount(classes.ravel(), minlength=num_classes)[:num_classes].tolist()
