"""Class 0 is stuff, 1 and 2 are things; a map is one row of pixels."""

import numpy as np
import pytest

from segda_mm.ops.instance_ap import (
    InstanceMatches,
    average_precision,
    count_instances,
    match_segments,
)
from segda_mm.ops.label_overlaps import label_overlaps

VOID, IGNORED_INSTANCE = 255000, 255001
THINGS = (1, 2)


def row(*runs):
    """A map from (code, number of pixels) pairs."""
    codes, lengths = zip(*runs)
    return np.repeat(np.array(codes, np.int32), lengths)[None]


def match(truth, prediction):
    """The matches of all predicted things, sorted by code, scores 0.9, 0.8, ..."""
    overlaps = label_overlaps(truth, prediction)
    codes = overlaps.prediction
    codes = codes[(codes >= 1000) & (codes < VOID)]
    scores = 0.9 - 0.1 * np.arange(len(codes))
    return match_segments(overlaps, codes, scores, THINGS)


def outcome(matches, index=0):
    """Number of overlaps at which an instance is true, and is false."""
    return int(matches.true[index].sum()), int(matches.false[index].sum())


def ignored(code):
    """82 of 100 predicted pixels on ``code``: more than seven of the overlaps."""
    return [(0, 18), (code, 400)], [(1001, 100), (0, 318)]


@pytest.mark.parametrize(
    ('truth', 'prediction', 'expected'),
    [
        # Exactly half is no match; a pixel more is.
        ([(1001, 200), (0, 200)], [(1001, 100), (0, 300)], (0, 10)),
        ([(1001, 200), (0, 200)], [(1001, 101), (0, 299)], (1, 9)),
        # The right place, but another class.
        ([(1001, 200)], [(2001, 200)], (0, 10)),
        # Unlike in panoptic quality, void counts towards the union: 120 of 200
        # pixels exceed two overlaps, and 0.4 of void is too little to be ignored.
        ([(1001, 120), (VOID, 80), (0, 100)], [(1001, 200), (0, 100)], (2, 8)),
        # Ignored where the share of ignored pixels exceeds the overlap; the large
        # group is not matched.
        (*ignored(VOID), (0, 3)),
        (*ignored(1000), (0, 3)),
        (*ignored(2000), (0, 10)),
        (*ignored(IGNORED_INSTANCE), (0, 10)),
        # Void and group add up, to 0.62.
        ([(0, 38), (VOID, 31), (1000, 231)], [(1001, 100), (0, 200)], (0, 7)),
        # Matching a group is neither true nor false.
        ([(1000, 200), (0, 9)], [(1001, 160), (0, 49)], (0, 0)),
        # Small instances need not be found.
        ([(1001, 99), (0, 100)], [(1001, 99), (0, 100)], (0, 0)),
        ([(1001, 100), (0, 100)], [(1001, 100), (0, 100)], (10, 0)),
        # So the tool has it: a small group counts twice, here 2 * 0.35.
        ([(1000, 35), (0, 165)], [(1001, 100), (0, 100)], (0, 10 - 4)),
    ],
)
def test_matches_by_hand(truth, prediction, expected):
    matches = match(row(*truth), row(*prediction))
    assert outcome(matches) == expected
    assert matches.labels.tolist() == [prediction[0][0] // 1000]


def test_codes_in_no_pixel_and_of_stuff_are_passed_over():
    overlaps = label_overlaps(row((1001, 200)), row((1001, 150), (0, 50)))
    codes = np.array([2001, 0, 1001, 1009], np.int32)
    scores = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
    matches = match_segments(overlaps, codes, scores, THINGS)
    assert matches.labels.tolist() == [1]
    assert matches.scores.tolist() == [np.float32(0.3)]
    assert not match_segments(overlaps, codes[:0], scores[:0], THINGS).true.size


def test_instances_counted_are_those_to_be_found():
    truth = row(
        (1001, 100), (1002, 99), (1000, 500), (2001, 300), (0, 300), (VOID, 300)
    )
    overlaps = label_overlaps(truth, truth)
    assert count_instances(overlaps, THINGS, 3).tolist() == [0, 1, 1]


def pooled(*entries):
    """Matches from (score, outcome): true, false or None at all overlaps."""
    scores, outcomes = zip(*entries)
    true = np.repeat([[entry is True] for entry in outcomes], 10, 1)
    false = np.repeat([[entry is False] for entry in outcomes], 10, 1)
    return InstanceMatches(np.ones(len(scores), int), np.array(scores), true, false)


@pytest.mark.parametrize(
    ('entries', 'instances', 'expected'),
    [
        # (recall, precision): (0, 1) (1/2, 1).
        ([(0.9, True)], 2, 0.5),
        # (0, 1) (1/2, 1) (1/2, 1/2) (1, 2/3): the last piece is a trapezoid.
        ([(0.9, True), (0.8, False), (0.7, True)], 2, 0.5 + 0.5 * (1 / 2 + 2 / 3) / 2),
        # One score is one point, whatever the order: (0, 1) (1, 1/2).
        ([(0.5, False), (0.5, True)], 1, 0.75),
        ([(0.5, True), (0.5, False)], 1, 0.75),
        # An ignored instance is no point of the curve.
        ([(0.9, None), (0.8, True)], 1, 1),
        ([(0.9, None)], 1, 0),
        ([(0.9, False)], 1, 0),
    ],
)
def test_area_under_the_curve_by_hand(entries, instances, expected):
    precision = average_precision(pooled(*entries), np.array([0, instances, 0]))
    np.testing.assert_allclose(precision[1], [expected] * 10)
    assert np.isnan(precision[[0, 2]]).all()
    # A class that is there and never predicted.
    missed = average_precision(pooled(*entries), np.array([0, instances, 4]))[2]
    assert (missed == 0).all()
