"""Metrics of any maps against loops over pixels, and what must not change them."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segda_mm.ops.instance_ap import (
    OVERLAPS,
    InstanceMatches,
    average_precision,
    count_instances,
    match_segments,
)
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


#: A cell is as large that some instances have fewer than 100 pixels.
CELL = np.ones((6, 10), np.int32)


def matches_of(true, made, scores):
    true, made = np.kron(true, CELL), np.kron(made, CELL)
    overlaps = label_overlaps(true, made)
    codes = np.array(sorted(scores))
    values = np.array([scores[code] for code in codes.tolist()])
    return (
        match_segments(overlaps, codes, values, THINGS),
        count_instances(overlaps, THINGS, NUM_CLASSES),
        areas(true),
        areas(made),
    )


SCORES = st.fixed_dictionaries(
    {code: st.sampled_from([0.2, 0.5, 0.9]) for code in (2001, 2002, 3001, 3002)}
)


def slow_outcome(code, made, truths, overlap):
    """Whether an instance is a true positive, and whether it is a false one."""
    label, pixels = code // 1000, made[code]
    own = {other: area for other, area in truths.items() if other // 1000 == label}
    for other, area in own.items():
        # Instances of one map do not overlap: no other one competes.
        iou = len(pixels & area) / len(pixels | area)
        if other % 1000 and len(area) >= 100 and iou > overlap:
            return True, False
    ignored = len(pixels & truths.get(VOID, set()))
    for other, area in own.items():
        ignored += len(pixels & area) * ((other % 1000 == 0) + (len(area) < 100))
    return False, ignored / len(pixels) <= overlap


@given(pairs(), SCORES)
def test_instances_are_matched_as_sets_are(pair, scores):
    matches, instances, truths, made = matches_of(*pair, scores)
    present = [code for code in sorted(scores) if code in made]
    assert matches.labels.tolist() == [code // 1000 for code in present]
    for index, code in enumerate(present):
        for column, overlap in enumerate(OVERLAPS):
            outcome = matches.true[index, column], matches.false[index, column]
            assert outcome == slow_outcome(code, made, truths, overlap)
    for label in range(NUM_CLASSES):
        large = [
            code
            for code, area in truths.items()
            if code // 1000 == label in THINGS and code % 1000 and len(area) >= 100
        ]
        assert instances[label] == len(large)


def precision_of(parts):
    matches = InstanceMatches(
        *(np.concatenate(fields) for fields in zip(*(part[0] for part in parts)))
    )
    return average_precision(matches, sum(part[1] for part in parts)), matches


@given(st.lists(st.tuples(pairs(), SCORES), min_size=1, max_size=3), st.randoms())
def test_average_precision_is_the_area_under_its_points(images, random):
    parts = [matches_of(*pair, scores) for pair, scores in images]
    found, matches = precision_of(parts)
    instances = sum(part[1] for part in parts)
    for label in range(NUM_CLASSES):
        if not instances[label]:
            assert np.isnan(found[label]).all()
            continue
        for overlap in range(len(OVERLAPS)):
            recall, precision, area = 0.0, 1.0, 0.0
            for score in sorted(set(matches.scores), reverse=True):
                taken = (matches.labels == label) & (matches.scores >= score)
                true = matches.true[taken, overlap].sum()
                judged = true + matches.false[taken, overlap].sum()
                if judged:
                    step = true / instances[label] - recall
                    area += step * (precision + true / judged) / 2
                    recall, precision = true / instances[label], true / judged
            np.testing.assert_allclose(found[label, overlap], area, atol=1e-12)
    assert ((found >= 0) & (found <= 1) | np.isnan(found)).all()
    random.shuffle(parts)
    np.testing.assert_allclose(precision_of(parts)[0], found, rtol=1e-12)
