import colorsys

import numpy as np
import pytest

from segda_mm.visualization import colorize_offsets


@pytest.mark.parametrize(
    'offset, color',
    [
        ((0, 5), [255, 0, 0]),
        ((5, 0), [128, 255, 0]),
        ((0, -5), [0, 255, 255]),
        ((-5, 0), [128, 0, 255]),
    ],
)
def test_hue_of_the_four_directions(offset, color):
    maps = np.broadcast_to(np.reshape(offset, (2, 1, 1)), (2, 3, 4))
    picture = colorize_offsets(maps, np.ones((3, 4), bool))
    assert picture.shape == (3, 4, 3)
    assert picture.dtype == np.uint8
    assert np.abs(picture.astype(int) - color).max() <= 1


def test_every_direction_and_length_against_colorsys():
    draw = np.random.default_rng(0)
    offset = draw.normal(0, 40, (2, 5, 7)).astype(np.float32)
    picture = colorize_offsets(offset, np.ones((5, 7), bool))
    complex_offset = offset[1] + 1j * offset[0]
    longest = np.abs(complex_offset).max()
    for index, value in np.ndenumerate(complex_offset):
        hue = np.angle(value) / (2 * np.pi) % 1
        brightness = np.sqrt(np.abs(value) / longest)
        expected = np.array(colorsys.hsv_to_rgb(hue, 1, brightness)) * 255
        assert np.abs(picture[index] - expected).max() <= 1


def test_only_the_mask_is_painted_and_sets_the_scale():
    offset = np.zeros((2, 2, 3), np.float32)
    offset[1] = [[1, 4, 1000], [0, 4, np.nan]]
    mask = np.array([[1, 1, 0], [1, 1, 0]], bool)
    picture = colorize_offsets(offset, mask)
    assert picture[..., 0].tolist() == [[128, 255, 0], [0, 255, 0]]
    assert not picture[..., 1:].any()


def test_offsets_of_nothing_are_black():
    assert not colorize_offsets(np.zeros((2, 2, 2)), np.ones((2, 2), bool)).any()
    assert not colorize_offsets(np.ones((2, 2, 2)), np.zeros((2, 2), bool)).any()
