from __future__ import annotations

import numpy as np
import pytest

from segda_mm.ops.channel_statistics import match_channel_statistics


@pytest.mark.parametrize(
    ('strength', 'expected'), [(0, [0, 2]), (0.5, [5, 8]), (1, [10, 14])]
)
def test_two_pixels_by_hand(strength, expected):
    """Mean 1 and deviation 1 become 12 and 2, or half of the way there."""
    image = np.array([0, 2], dtype=np.float32).reshape(1, 2, 1)
    style = np.array([14, 10, 10, 14], dtype=np.float32).reshape(4, 1, 1)
    result = match_channel_statistics(image, style, strength)
    assert result.dtype == np.float32
    assert result[..., 0].tolist() == [expected]


def test_every_channel_has_its_own_statistics():
    generator = np.random.default_rng(0)
    image = generator.normal((50, 0, -9), (20, 3, 5), (40, 60, 3)).astype(np.float32)
    style = generator.normal((70, 8, 4), (5, 9, 2), (30, 20, 3)).astype(np.float32)
    result = match_channel_statistics(image, style, 1).astype(np.float64)
    style = style.astype(np.float64)
    np.testing.assert_allclose(result.mean((0, 1)), style.mean((0, 1)), rtol=1e-4)
    np.testing.assert_allclose(result.std((0, 1)), style.std((0, 1)), rtol=1e-4)


def test_the_rounding_of_a_constant_channel_is_not_amplified():
    image = np.full((64, 64, 1), 53.3891, dtype=np.float32)
    image[::2] = np.nextafter(image[0, 0, 0], np.float32(100))
    style = np.array([10, 90], dtype=np.float32).reshape(1, 2, 1)
    result = match_channel_statistics(image, style, 1)
    np.testing.assert_allclose(result, 50, atol=0.2)
