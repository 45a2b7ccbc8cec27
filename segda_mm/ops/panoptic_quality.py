"""Panoptic quality (Kirillov et al., "Panoptic Segmentation", CVPR 2019).

PQ = SQ x RQ: the mean overlap of matched segments (IoU above 1/2) times the F1
score of the matching, with void and crowds as in section 4.2 and in the tool of
Cityscapes.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from segda_mm.ops.label_overlaps import LabelOverlaps
from segda_mm.ops.metrics import defined_mean
from segda_mm.ops.panoptic_codes import LABEL_DIVISOR, VOID_CLASS


class PanopticQuality(NamedTuple):
    """Figures per class, (C,) float64 in [0, 1], NaN without any segment."""

    pq: np.ndarray
    sq: np.ndarray
    rq: np.ndarray


class MeanPanopticQuality(NamedTuple):
    """Means over some classes; NaN if none has segments."""

    pq: float
    sq: float
    rq: float


def panoptic_quality_counts(
    overlaps: LabelOverlaps, thing_classes: Collection[int], num_classes: int
) -> np.ndarray:
    """Match the segments of one image.

    Void pixels of the ground truth do not count towards the union. An unmatched
    prediction is no false positive if more than half of it lies on void and on
    the crowd of its class; a crowd is neither matched nor missed.

    Args:
        overlaps: Of the panoptic codes.
        thing_classes: Train ids of classes whose true instance 0 is a crowd.
        num_classes: C.

    Returns:
        (C, 4) float64: sum of matched IoUs, true positives, false positives, false
        negatives. Images add up.

    Raises:
        ValueError: A code's class is neither void nor below ``num_classes``.
    """
    truth_class = _classes_of_codes(overlaps.truth, num_classes, 'ground truth')
    all_predicted = _classes_of_codes(overlaps.prediction, num_classes, 'prediction')
    truth_area = overlaps.pixels.sum(1)

    segments = all_predicted != VOID_CLASS
    predicted_class = all_predicted[segments]
    pixels = overlaps.pixels[:, segments]
    predicted_area = pixels.sum(0)

    void = truth_class == VOID_CLASS
    crowd = np.isin(truth_class, list(thing_classes)) & (
        overlaps.truth % LABEL_DIVISOR == 0
    )
    on_void = pixels[void].sum(0)
    same_class = truth_class[:, None] == predicted_class
    on_crowd = np.where(same_class & crowd[:, None], pixels, 0).sum(0)

    wanted = ~void & ~crowd
    intersection = pixels[wanted]
    union = predicted_area - on_void + truth_area[wanted, None] - intersection
    iou = intersection / union
    matched = same_class[wanted] & (iou > 0.5)

    excused = (on_void + on_crowd) / predicted_area > 0.5
    true, predicted = np.nonzero(matched)
    classes = truth_class[wanted]

    def per_class(labels: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        return np.bincount(labels, weights, minlength=num_classes)

    return np.stack(
        [
            per_class(classes[true], iou[true, predicted]),
            per_class(classes[true]),
            per_class(predicted_class[~matched.any(0) & ~excused]),
            per_class(classes[~matched.any(1)]),
        ],
        axis=1,
    )


def panoptic_quality(counts: np.ndarray) -> PanopticQuality:
    """PQ, SQ and RQ of sums (C, 4) of :func:`panoptic_quality_counts`.

    A class without segments is NaN; SQ is 0 where none matched.
    """
    iou, true, false, missed = counts.T
    segments = true + 0.5 * false + 0.5 * missed
    nothing = np.full(len(counts), np.nan)
    pq = np.divide(iou, segments, out=nothing.copy(), where=segments > 0)
    rq = np.divide(true, segments, out=nothing.copy(), where=segments > 0)
    sq = np.where(segments > 0, iou / np.maximum(true, 1), nothing)
    return PanopticQuality(pq, sq, rq)


def mean_panoptic_quality(
    quality: PanopticQuality, thing_classes: Collection[int]
) -> dict[str, MeanPanopticQuality]:
    """Means over ``all``, ``things`` and ``stuff``, NaN left out."""
    figures = np.array(quality)
    is_thing = np.isin(np.arange(figures.shape[1]), list(thing_classes))
    groups = dict(all=figures, things=figures[:, is_thing], stuff=figures[:, ~is_thing])
    return {
        name: MeanPanopticQuality(*map(defined_mean, group))
        for name, group in groups.items()
    }


def _classes_of_codes(codes: np.ndarray, num_classes: int, what: str) -> np.ndarray:
    classes = codes // LABEL_DIVISOR
    wrong = codes[(classes >= num_classes) & (classes != VOID_CLASS)]
    if wrong.size:
        raise ValueError(
            f'the {what} has the panoptic code {wrong[0]}, but the data set has '
            f'only {num_classes} classes; check num_classes of the model and the '
            'metainfo of the data set'
        )
    return classes
