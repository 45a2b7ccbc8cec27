"""Curves by hand; the tools of Cityscapes judge matches, on PanopticMetric."""

import numpy as np
import pytest

from segda_mm.ops.instance_ap import InstanceMatches, average_precision


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
