import cmath

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


def pictures(height, width):
    generator = np.random.default_rng(0)
    return generator.uniform(0, 255, (2, height, width, 3)).astype(np.float32)


def is_low(height, width, highest):
    """Where both frequencies of the spectrum are within the square; (H, W)."""
    rows = np.abs(np.rint(np.fft.fftfreq(height) * height)) <= highest
    columns = np.abs(np.rint(np.fft.fftfreq(width) * width)) <= highest
    return rows[:, None] & columns[None]


@pytest.mark.parametrize(
    ('size', 'beta', 'highest'),
    [((24, 40), 0.1, 2), ((25, 17), 0.2, 3), ((16, 16), 0.49, 7), ((9, 30), 0.05, 0)],
)
def test_low_amplitudes_are_the_styles_and_all_else_is_the_images(size, beta, highest):
    image, style = pictures(*size)
    result = transfer_low_frequencies(image, style, beta)
    assert result.dtype == np.float32
    ours, before, theirs = (
        np.fft.fft2(array.astype(np.float64), axes=(0, 1))
        for array in (result, image, style)
    )
    low = is_low(*size, highest)
    np.testing.assert_allclose(abs(ours[low]), abs(theirs[low]), rtol=1e-4, atol=0.1)
    np.testing.assert_allclose(ours[~low], before[~low], rtol=1e-4, atol=0.1)
    turned = np.angle(ours * before.conj())
    assert np.abs(turned).max() < 0.01
    assert not np.allclose(abs(before[low]), abs(theirs[low]), rtol=0.01)


def test_against_the_sums_of_the_definition():
    """Fourier transforms written out, on a channel of 4x5 pixels; b = 1."""
    image, style = pictures(4, 5)
    image, style = image[..., :1], style[..., :1]
    height, width = 4, 5
    places = [(y, x) for y in range(height) for x in range(width)]

    def wave(u, v, y, x):
        return cmath.exp(-2j * cmath.pi * (u * y / height + v * x / width))

    def transform(picture):
        return {
            (u, v): sum(float(picture[y, x, 0]) * wave(u, v, y, x) for y, x in places)
            for u, v in places
        }

    spectrum, other = transform(image), transform(style)
    for u, v in places:
        if min(u, height - u) <= 1 and min(v, width - v) <= 1:
            phase = cmath.phase(spectrum[u, v])
            spectrum[u, v] = abs(other[u, v]) * cmath.exp(1j * phase)
    result = transfer_low_frequencies(image, style, beta=0.3)
    for y, x in places:
        value = sum(spectrum[u, v] * wave(-u, -v, y, x) for u, v in places) / 20
        assert abs(value.imag) < 1e-9
        assert result[y, x, 0] == pytest.approx(value.real, abs=1e-3)


def test_beta_of_zero_changes_nothing():
    image, style = pictures(8, 8)
    np.testing.assert_array_equal(transfer_low_frequencies(image, style, 0), image)


def test_the_own_style_changes_nothing_and_inputs_stay():
    image, style = np.rint(pictures(20, 30)).astype(np.uint8)
    kept = image.copy(), style.copy()
    np.testing.assert_allclose(
        transfer_low_frequencies(image, image, 0.2), image, atol=1e-2
    )
    transfer_low_frequencies(image, style, 0.2)
    assert (image == kept[0]).all()
    assert (style == kept[1]).all()


def test_wrong_arguments():
    image, style = pictures(8, 8)
    for beta in (-0.1, 0.5):
        with pytest.raises(ValueError, match='beta'):
            transfer_low_frequencies(image, style, beta)
    with pytest.raises(ValueError, match='one shape'):
        transfer_low_frequencies(image, style[:4], 0.1)


VALUES = np.array([-3.0, 0.4, 0.6, 254.7, 255.6, 400.0], dtype=np.float32)


def test_integers_are_rounded():
    pixels = to_pixel_values(VALUES, np.dtype(np.uint8))
    assert pixels.dtype == np.uint8
    assert pixels.tolist() == [0, 0, 1, 255, 255, 255]


def test_floats_are_limited_alone():
    pixels = to_pixel_values(VALUES, np.dtype(np.float32))
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels, [0, 0.4, 0.6, 254.7, 255, 255])
