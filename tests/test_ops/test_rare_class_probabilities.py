from __future__ import annotations

import math

import numpy as np

from segda_mm.ops.rare_class_probabilities import rare_class_probabilities

ALL = np.ones(3, dtype=bool)


def test_by_hand():
    """Exponents 2, 3 and 3: one part to e and e parts."""
    result = rare_class_probabilities(np.array([0.5, 0.25, 0.25]), ALL, 0.25)
    whole = 1 + 2 * math.e
    np.testing.assert_allclose(result, [1 / whole, math.e / whole, math.e / whole])


def test_a_class_that_cannot_be_drawn_leaves_its_part_to_the_others():
    shares = np.array([0.7, 0.3, 0.0])
    result = rare_class_probabilities(shares, np.array([True, True, False]), 0.2)
    np.testing.assert_allclose(result, [1 / (1 + math.e**2), 1 / (1 + math.e**-2), 0])
    alone = rare_class_probabilities(shares, np.array([True, False, False]), 0.2)
    assert alone.tolist() == [1, 0, 0]
