"""Intersection over union of the classes of semantic maps."""

from __future__ import annotations

import numpy as np

from .label_overlaps import LabelOverlaps
from .panoptic_codes import VOID_CLASS


def confusion_matrix(overlaps: LabelOverlaps, num_classes: int) -> np.ndarray:
    """Count the pixels of one image by true and predicted class.

    Pixels without a true class do not count. A pixel predicted as void is
    wrong, but a false positive of no class.

    Args:
        overlaps: Of the train ids of ground truth and prediction; 255 is void.
        num_classes: C.

    Returns:
        (C, C + 1) int64: true class by predicted class, void last. Add those
        of several images.

    Raises:
        ValueError: A train id is neither 255 nor below ``num_classes``.
    """
    labelled = overlaps.truth != VOID_CLASS
    columns = np.where(
        overlaps.prediction == VOID_CLASS, num_classes, overlaps.prediction
    )
    rows = overlaps.truth[labelled]
    for name, labels, limit in (
        ('ground truth', rows, num_classes - 1),
        ('prediction', columns, num_classes),
    ):
        if labels.max(initial=0) > limit:
            raise ValueError(
                f'the {name} has the train id {labels.max()}, but the data set '
                f'has only {num_classes} classes; check num_classes of the model '
                'and the metainfo of the data set'
            )
    counts = np.zeros((num_classes, num_classes + 1), dtype=np.int64)
    counts[np.ix_(rows, columns)] = overlaps.pixels[labelled]
    return counts


def class_iou(confusion: np.ndarray) -> np.ndarray:
    """Intersection over union of every class.

    Args:
        confusion: (C, C + 1), sums of what :func:`confusion_matrix` returns.

    Returns:
        (C,) float64 in [0, 1]; a class neither true nor predicted is NaN.
    """
    correct = confusion.diagonal()
    union = confusion.sum(1) + confusion[:, :-1].sum(0) - correct
    return np.divide(
        correct, union, out=np.full(len(confusion), np.nan), where=union > 0
    )
