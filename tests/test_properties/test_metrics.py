"""Metrics of any maps against loops over pixels, and what must not change them."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segda_mm.ops.label_overlaps import label_overlaps
from segda_mm.ops.metrics import class_iou, confusion_matrix
from segda_mm.ops.panoptic_quality import panoptic_quality, panoptic_quality_counts

NUM_CLASSES = 4
THINGS = (2, 3)
VOID = 255000

#: Stuff 0 and 1, things 2 and 3 with their crowds, both kinds of void.
TRUE_CODES = [0, 1000, 2000, 2001, 2002, 3000, 3001, 3002, VOID, VOID + 1]
PREDICTED_CODES = [0, 1000, 2001, 2002, 3001, 3002, VOID]


@st.composite
def pairs(draw, truth=TRUE_CODES, prediction=PREDICTED_CODES, cells=(3, 4)):
    """A true and a predicted map of large cells, most of them equal."""
    true = draw(arrays(np.int32, cells, elements=st.sampled_from(truth)))
    made = draw(arrays(np.int32, cells, elements=st.sampled_from(prediction)))
    copied = draw(arrays(bool, cells, elements=st.booleans()))
    usable = copied & np.isin(true, prediction)
    return true, np.where(usable, true, made)


def areas(codes):
    """The pixels of every code, as sets of places."""
    found = {}
    for place in np.ndindex(*codes.shape):
        found.setdefault(int(codes[place]), set()).add(place)
    return found


def slow_counts(true, made):
    counts = np.zeros((NUM_CLASSES, 4))
    truths, predictions = areas(true), areas(made)
    void = set().union(*(truths.get(code, set()) for code in (VOID, VOID + 1)))
    wanted = {
        code: pixels
        for code, pixels in truths.items()
        if code < VOID and not (code // 1000 in THINGS and code % 1000 == 0)
    }
    found = set()
    for code, pixels in predictions.items():
        if code >= VOID:
            continue
        label, matched = code // 1000, False
        for other, true_pixels in wanted.items():
            union = (pixels | true_pixels) - (void & pixels)
            iou = len(pixels & true_pixels) / len(union)
            if other // 1000 == label and iou > 0.5:
                matched = True
                found.add(other)
                counts[label, :2] += iou, 1
        crowd = truths.get(label * 1000, set()) if label in THINGS else set()
        if not matched and len(pixels & (void | crowd)) <= len(pixels) / 2:
            counts[label, 2] += 1
    for code in wanted.keys() - found:
        counts[code // 1000, 3] += 1
    return counts


@given(pairs())
def test_panoptic_quality_is_that_of_sets(pair):
    counts = panoptic_quality_counts(label_overlaps(*pair), THINGS, NUM_CLASSES)
    expected = slow_counts(*pair)
    np.testing.assert_allclose(counts, expected, rtol=1e-12)
    for label, (iou, true, false, missed) in enumerate(expected.tolist()):
        segments = (2 * true + false + missed) / 2
        quality = iou / segments if segments else math.nan
        np.testing.assert_allclose(panoptic_quality(counts).pq[label], quality)


LABELS = [0, 1, 2, 3, 255]


@given(pairs(LABELS, LABELS))
def test_class_iou_is_that_of_pixels(pair):
    overlaps = label_overlaps(*pair)
    found = class_iou(confusion_matrix(overlaps, NUM_CLASSES))
    true, made = pair
    for label in range(NUM_CLASSES):
        is_true, is_made = true == label, (made == label) & (true != 255)
        union = (is_true | is_made).sum()
        expected = (is_true & is_made).sum() / union if union else math.nan
        np.testing.assert_allclose(found[label], expected, rtol=1e-12)
