"""Average precision of instances as Cityscapes defines it.

Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding",
CVPR 2016, section 4.2: at ten overlaps from 0.5 to 0.95, true instances of at
least 100 pixels are to be found; AP is the mean over overlaps and classes. Its
tool settles what the text leaves open, and is followed to the letter.
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
    """What became of the P predicted instances of an image (or of many).

    ``labels`` (P,) are train ids, ``scores`` (P,) floats, ``true`` and
    ``false`` (P, 10) bool: whether the instance is a true or a false positive
    at each of :data:`OVERLAPS`; one that is neither was ignored.
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

    Args:
        overlaps: Of the panoptic codes of ground truth and prediction.
        codes: (K,) integers, the codes of the predicted instances. One that is
            in no pixel, or is not of a thing class, is passed over.
        scores: (K,) floats, their confidences.
        thing_classes: Train ids of the classes with instances.

    Returns:
        At most K instances, in the order of ``codes``.
    """
    position = np.searchsorted(overlaps.prediction, codes)
    position = np.minimum(position, len(overlaps.prediction) - 1)
    kept = overlaps.prediction[position] == codes
    kept &= np.isin(codes // LABEL_DIVISOR, list(thing_classes))
    pixels = overlaps.pixels[:, position[kept]]
    return match_masks(
        overlaps.truth,
        overlaps.pixels.sum(1),
        pixels,
        codes[kept] // LABEL_DIVISOR,
        pixels.sum(0),
        scores[kept],
    )


def match_masks(
    truth: np.ndarray,
    truth_areas: np.ndarray,
    intersections: np.ndarray,
    labels: np.ndarray,
    areas: np.ndarray,
    scores: np.ndarray,
) -> InstanceMatches:
    """Match predicted masks, which may overlap each other, with the truth.

    Of several masks on one true instance the one with the highest score is the
    true positive, the others are false. A mask without a true instance is
    ignored where the share of it that lies on void, on the group of its class
    and on instances of its class that are too small exceeds the overlap (a
    group that is too small counts twice); otherwise it is a false positive.

    Args:
        truth: (T,) panoptic codes of the ground truth, with void and stuff.
        truth_areas: (T,) pixels, all positive.
        intersections: (T, P) pixels that code and mask have in common.
        labels: (P,) train ids of the masks, all of thing classes.
        areas: (P,) pixels, all positive.
        scores: (P,) floats.
    """
    if not len(labels):
        none = np.zeros((0, len(OVERLAPS)), dtype=bool)
        return InstanceMatches(labels, scores, none, none)
    same_class = (truth // LABEL_DIVISOR)[:, None] == labels
    own = np.where(same_class, intersections, 0)
    group = truth % LABEL_DIVISOR == 0
    small = truth_areas < MIN_REGION_SIZE
    iou = own / (truth_areas[:, None] + areas - own)
    iou[group | small] = 0
    hits = iou[..., None] > OVERLAPS
    # (T, 10): the surest mask on each true instance at each overlap.
    surest = np.where(hits, scores[:, None], -np.inf).argmax(1)
    found, overlap = np.nonzero(hits.any(1))
    true = np.zeros((len(labels), len(OVERLAPS)), dtype=bool)
    true[surest[found, overlap], overlap] = True

    # Values, not classes: an instance of a class that is left out of the
    # evaluation is not in the tool's list of void ids.
    on_void = intersections[truth == VOID_CODE].sum(0)
    on_ignored = on_void + own[group].sum(0) + own[small].sum(0)
    counts = (on_ignored / areas)[:, None] <= OVERLAPS
    false = np.where(hits.any(0), ~true, counts)
    return InstanceMatches(labels, scores, true, false)


def count_instances(
    overlaps: LabelOverlaps, thing_classes: Collection[int], num_classes: int
) -> np.ndarray:
    """The true instances of one image that are to be found.

    Args:
        overlaps: Of the panoptic codes of ground truth and prediction.
        thing_classes: Train ids of the classes with instances.
        num_classes: C.

    Returns:
        (C,) int64. Add those of several images.
    """
    labels, instance = np.divmod(overlaps.truth, LABEL_DIVISOR)
    wanted = (instance > 0) & (overlaps.pixels.sum(1) >= MIN_REGION_SIZE)
    wanted &= np.isin(labels, list(thing_classes))
    return np.bincount(labels[wanted], minlength=num_classes)


def average_precision(matches: InstanceMatches, instances: np.ndarray) -> np.ndarray:
    """Area under the precision-recall curve of every class at every overlap.

    The curve has one point per distinct score, starts at recall 0 with
    precision 1, and is integrated by the trapezoid rule.

    Args:
        matches: Of all images together.
        instances: (C,) numbers of true instances.

    Returns:
        (C, 10) float64 in [0, 1]; a class without true instances is NaN.
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
