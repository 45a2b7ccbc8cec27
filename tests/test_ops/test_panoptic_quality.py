"""Stuff is class 0 and 1, things are 2 and 3; a map is one row of pixels."""

import numpy as np
import pytest

from segda_mm.ops.label_overlaps import label_overlaps
from segda_mm.ops.panoptic_quality import (
    mean_panoptic_quality,
    panoptic_quality,
    panoptic_quality_counts,
)

VOID = 255000
THINGS = (2, 3)


def row(*runs):
    """A map from (code, number of pixels) pairs."""
    codes, lengths = zip(*runs)
    return np.repeat(np.array(codes, np.int32), lengths)[None]


def counts(truth, prediction):
    overlaps = label_overlaps(truth, prediction)
    return panoptic_quality_counts(overlaps, THINGS, 4)


def on_crowd(code):
    """Two of ten pixels on void, four on ``code``: more than half together only."""
    return [(VOID, 2), (code, 4), (0, 30)], [(2007, 10), (0, 26)]


@pytest.mark.parametrize(
    ('truth', 'prediction', 'expected'),
    [
        # Exactly half is no match; a pixel more is.
        ([(2001, 10), (0, 10)], [(2001, 5), (0, 15)], [0, 0, 1, 1]),
        ([(2001, 10), (0, 10)], [(2001, 6), (0, 14)], [0.6, 1, 0, 0]),
        # Void does not count towards the union.
        ([(2001, 10), (VOID, 6), (VOID + 1, 4)], [(2001, 20)], [1, 1, 0, 0]),
        # A segment is excused with more than half of it on void ...
        ([(VOID, 5), (0, 30)], [(2001, 10), (0, 25)], [0, 0, 1, 0]),
        ([(VOID, 6), (0, 30)], [(2001, 10), (0, 26)], [0, 0, 0, 0]),
        # ... and on the crowd of its class.
        (*on_crowd(2000), [0, 0, 0, 0]),
        (*on_crowd(3000), [0, 0, 1, 0]),
        (*on_crowd(2001), [0, 0, 1, 1]),
        # A crowd is neither matched nor missed.
        ([(2000, 10), (0, 10)], [(2001, 10), (0, 10)], [0] * 4),
        ([(2000, 10), (0, 10)], [(VOID, 10), (0, 10)], [0] * 4),
        # There is nothing to measure.
        ([(VOID, 10)], [(VOID, 10)], [0] * 4),
        ([(VOID, 10)], [(2001, 10)], [0] * 4),
    ],
)
def test_counts_of_a_thing_by_hand(truth, prediction, expected):
    np.testing.assert_allclose(counts(row(*truth), row(*prediction))[2], expected)


def test_images_add_up_and_absent_classes_are_left_out():
    first = counts(row((0, 10), (2001, 10)), row((0, 10), (2001, 8), (2002, 2)))
    second = counts(row((0, 10), (2001, 10)), row((0, 10), (VOID, 10)))
    quality = panoptic_quality(first + second)
    # Class 2: one match of 0.8, one false positive, one miss.
    for figure, thing in zip(quality, (0.4, 0.8, 0.5)):
        np.testing.assert_allclose(figure, [1, np.nan, thing, np.nan])
    means = mean_panoptic_quality(quality, THINGS)
    assert means['all'] == pytest.approx((0.7, 0.9, 0.75))
    assert means['things'] == pytest.approx((0.4, 0.8, 0.5))
    assert means['stuff'] == (1, 1, 1)
    # Never matched, and so no precision at all.
    quality = panoptic_quality(counts(row((2001, 10)), row((3001, 10))))
    assert mean_panoptic_quality(quality, THINGS)['all'] == (0, 0, 0)


@pytest.mark.parametrize('wrong', ['ground truth', 'prediction'])
def test_class_too_many(wrong):
    maps = [row((0, 10)), row((4001, 10))]
    with pytest.raises(ValueError, match=f'{wrong} has the panoptic code 4001'):
        counts(*(maps[::-1] if wrong == 'ground truth' else maps))
