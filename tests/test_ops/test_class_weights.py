import numpy as np
import pytest

from segda_mm.ops.class_weights import class_weights


def test_weights_are_square_roots_of_inverse_shares():
    pixels = np.array([900, 100, 0, 9000])
    # 3, 1 and sqrt(90) by hand: shares of 0.09, 0.01 and 0.9, roots 0.3, 0.1, 0.9487.
    total = 0.3 + 0.1 + 0.9**0.5
    expected = [1 / (0.3 * total), 1 / (0.1 * total), 1, 1 / (0.9**0.5 * total)]
    weights = class_weights(pixels, power=0.5, cap=100)
    np.testing.assert_allclose(weights, expected)
    assert (weights * pixels).sum() == pytest.approx(pixels.sum())
    assert class_weights(pixels, power=0, cap=5).tolist() == [1, 1, 1, 1]
    assert class_weights(0 * pixels, power=0.5, cap=5).tolist() == [1, 1, 1, 1]
    alike = class_weights(pixels, power=1, cap=1000) * pixels
    np.testing.assert_allclose(alike, [10_000 / 3, 10_000 / 3, 0, 10_000 / 3])
    np.testing.assert_allclose(
        class_weights(pixels, power=0.5, cap=5), np.minimum(expected, 5), rtol=1e-12
    )
