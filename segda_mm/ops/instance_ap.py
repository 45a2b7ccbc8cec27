"""Average precision of instances as Cityscapes defines it.

Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding",
CVPR 2016, section 4.2, and its evaluation tool where the text leaves things open.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from segda_mm.ops.label_overlaps import LabelOverlaps
from segda_mm.ops.panoptic_codes import LABEL_DIVISOR, VOID_CODE

#: The intersections over union that a match has to exceed.
OVERLAPS = np.arange(0.5, 1.0, 0.05)

#: True instances of fewer pixels need not be found.
MIN_REGION_SIZE = 100


class InstanceMatches(NamedTuple):
    """What became of P predicted instances, of one image or of many.

    ``labels`` (P,) are train ids, ``scores`` (P,) floats, ``true`` and ``false``
    (P, 10) bool, by :data:`OVERLAPS`; an instance that is neither was ignored.
    """

    labels: np.ndarray
    scores: np.ndarray
    true: np.ndarray
    false: np.ndarray


def match_segments(
    overlaps: LabelOverlaps,
    codes: np.ndarray,
    scores: np.ndarray,
    thing_classes: Collection[int],
) -> InstanceMatches:
    """Match the predicted instances of a panoptic map with the true ones.

    An instance without a true one is ignored where its share on void, on the
    group of its class and on too small instances of its class exceeds the
    overlap (a group that is too small counts twice), else a false positive.

    Args:
        overlaps: Of the panoptic codes.
        codes: (K,) of the predicted instances; those in no pixel are passed over.
        scores: (K,) floats.
        thing_classes: Train ids of the classes with instances.
    """
    position = np.searchsorted(overlaps.prediction, codes)
    position = np.minimum(position, len(overlaps.prediction) - 1)
    kept = overlaps.prediction[position] == codes
    kept &= np.isin(codes // LABEL_DIVISOR, list(thing_classes))
    labels = codes[kept] // LABEL_DIVISOR
    pixels = overlaps.pixels[:, position[kept]]
    areas = pixels.sum(0)
    truth, truth_areas = overlaps.truth, overlaps.pixels.sum(1)

    same_class = (truth // LABEL_DIVISOR)[:, None] == labels
    own = np.where(same_class, pixels, 0)
    group = truth % LABEL_DIVISOR == 0
    small = truth_areas < MIN_REGION_SIZE
    iou = own / (truth_areas[:, None] + areas - own)
    iou[group | small] = 0
    # Above a half, and without common pixels, there is one match at most.
    true = (iou[..., None] > OVERLAPS).any(0)

    # Values, not classes: an instance of a class that is left out of the
    # evaluation is not in the tool's list of void ids.
    on_void = pixels[truth == VOID_CODE].sum(0)
    on_ignored = on_void + own[group].sum(0) + own[small].sum(0)
    false = ~true & ((on_ignored / areas)[:, None] <= OVERLAPS)
    return InstanceMatches(labels, scores[kept], true, false)


def count_instances(
    overlaps: LabelOverlaps, thing_classes: Collection[int], num_classes: int
) -> np.ndarray:
    """Count the true instances of one image that are to be found, (C,) int64."""
    labels, instance = np.divmod(overlaps.truth, LABEL_DIVISOR)
    wanted = (instance > 0) & (overlaps.pixels.sum(1) >= MIN_REGION_SIZE)
    wanted &= np.isin(labels, list(thing_classes))
    return np.bincount(labels[wanted], minlength=num_classes)


def average_precision(matches: InstanceMatches, instances: np.ndarray) -> np.ndarray:
    """Area under the precision-recall curves, (C, 10) float64 in [0, 1].

    One point per distinct score, from recall 0 and precision 1, by trapezoids; NaN
    for a class without true instances.

    Args:
        matches: Of all images together.
        instances: (C,) numbers of true instances.
    """
    precision = np.full((len(instances), len(OVERLAPS)), np.nan)
    for label in np.flatnonzero(instances):
        chosen = matches.labels == label
        order = np.argsort(-matches.scores[chosen], kind='stable')
        scores = matches.scores[chosen][order]
        true = matches.true[chosen][order]
        false = matches.false[chosen][order]
        for overlap in range(len(OVERLAPS)):
            precision[label, overlap] = _area_under_curve(
                scores, true[:, overlap], false[:, overlap], instances[label]
            )
    return precision


def _area_under_curve(
    scores: np.ndarray, true: np.ndarray, false: np.ndarray, instances: int
) -> float:
    judged = true | false
    scores, true = scores[judged], true[judged]
    # Instances of one score enter together: their order says nothing.
    last_of_score = np.flatnonzero(np.diff(scores, append=-np.inf))
    found = np.cumsum(true)[last_of_score]
    precision = np.concatenate(([1.0], found / (last_of_score + 1)))
    recall = np.concatenate(([0.0], found / instances))
    return float(np.trapezoid(precision, recall))
