import numpy as np
import pytest

from segda_mm.ops.style import (
    match_channel_statistics,
    to_pixel_values,
    transfer_low_frequencies,
)


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


def pictures(height, width):
    generator = np.random.default_rng(0)
    return generator.uniform(0, 255, (2, height, width, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ('size', 'beta', 'highest'),
    [((24, 40), 0.1, 2), ((25, 17), 0.2, 3), ((16, 16), 0.49, 7), ((9, 30), 0.05, 0)],
)
def test_low_amplitudes_are_the_styles_and_all_else_is_the_images(size, beta, highest):
    """Against whole Fourier transforms."""
    image, style = pictures(*size)
    kept = image.copy(), style.copy()
    result = transfer_low_frequencies(image, style, beta)
    assert result.dtype == np.float32
    before, theirs = (
        np.fft.fft2(picture.astype(np.float64), axes=(0, 1)) for picture in kept
    )
    rows, columns = (abs(np.rint(np.fft.fftfreq(n) * n)) <= highest for n in size)
    low = (rows[:, None] & columns)[..., None]
    moved = abs(theirs) * np.exp(1j * np.angle(before))
    expected = np.fft.ifft2(np.where(low, moved, before), axes=(0, 1))
    np.testing.assert_allclose(result, expected.real, atol=1e-2)
    assert abs(result - image).max() > 1
    assert (image == kept[0]).all() and (style == kept[1]).all()


def test_the_own_style_and_a_beta_of_0_change_nothing():
    image, style = np.rint(pictures(20, 30)).astype(np.uint8)
    same = transfer_low_frequencies(image, image, 0.2)
    np.testing.assert_allclose(same, image, atol=1e-2)
    np.testing.assert_array_equal(transfer_low_frequencies(image, style, 0), image)


@pytest.mark.parametrize(
    ('dtype', 'expected'),
    [(np.uint8, [0, 0, 1, 255, 255]), (np.float32, [0, 0.4, 0.6, 254.7, 255])],
)
def test_values_are_limited_and_rounded_for_integers(dtype, expected):
    values = np.array([-3.0, 0.4, 0.6, 254.7, 400.0], dtype=np.float32)
    pixels = to_pixel_values(values, np.dtype(dtype))
    assert pixels.dtype == dtype
    np.testing.assert_allclose(pixels, expected)
