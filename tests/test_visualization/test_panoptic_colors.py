import numpy as np
import pytest

from segda_mm.visualization import colorize_panoptic, instance_borders
from segda_mm.visualization.panoptic_colors import NUM_SHADES, SHADE_STRENGTH

PALETTE = [[128, 64, 128], [220, 20, 60], [0, 0, 142]]
ROAD, CAR, VOID = 0, 2000, 255000


def street(cars, size=(24, 96)):
    """Cars given as number -> (left, right), side by side on a road."""
    codes = np.full(size, ROAD, np.int32)
    codes[0] = VOID
    for number, (left, right) in cars.items():
        codes[8:16, left:right] = CAR + number
    return codes


def color_of(codes, number):
    colors = np.unique(colorize_panoptic(codes, PALETTE)[codes == CAR + number], axis=0)
    assert len(colors) == 1
    return colors[0].astype(int)


def distance(one, other):
    return np.linalg.norm(one - other)


def test_stuff_groups_and_void():
    codes = np.array([[0, 2000, 255000, 255001, 3000, 3001]], np.int32)
    picture = colorize_panoptic(codes, PALETTE)
    assert picture.dtype == np.uint8
    assert picture[0].tolist() == [PALETTE[0], PALETTE[2], *[[0, 0, 0]] * 4]


def test_instances_stay_close_to_the_colour_of_their_class():
    cars = {k + 1: (8 * k, 8 * k + 8) for k in range(12)}
    picture = colorize_panoptic(street(cars), PALETTE)[8:16].astype(int)
    # The base moves inwards by the strength, a shade by as much again.
    assert np.abs(picture - PALETTE[2]).max() <= 2 * SHADE_STRENGTH
    assert (picture[..., 2] > picture[..., :2].max(-1)).all()


def test_all_cars_of_a_row_of_equal_ones_differ_from_their_neighbours():
    cars = {k + 1: (8 * k, 8 * k + 8) for k in range(12)}
    codes = street(cars)
    colors = np.array([color_of(codes, k + 1) for k in range(12)])
    one_step = 2 * np.sqrt(1.5) * SHADE_STRENGTH * np.sin(np.pi / NUM_SHADES)
    assert np.linalg.norm(np.diff(colors, axis=0), axis=1).min() > 1.5 * one_step


@pytest.mark.parametrize('numbers', [(1, 2), (7, 400)])
@pytest.mark.parametrize('left', [9, 12, 15])
def test_instances_on_top_of_each_other_differ(numbers, left):
    codes = street({numbers[0]: (0, 32)})
    codes[10:14, left : left + 8] = CAR + numbers[1]
    assert distance(*(color_of(codes, number) for number in numbers)) > 30


def test_the_place_counts_and_not_the_number():
    codes = street({1: (0, 20), 2: (40, 60), 3: (70, 90)})
    renumbered = street({9: (0, 20), 3: (40, 60), 1: (70, 90)})
    picture = colorize_panoptic(codes, PALETTE)
    np.testing.assert_array_equal(picture, colorize_panoptic(renumbered, PALETTE))
    assert len({tuple(color_of(codes, number)) for number in (1, 2, 3)}) == 3


def test_a_pixel_more_or_less_keeps_the_colours():
    cars = {1: (0, 20), 2: (40, 60), 3: (70, 90)}
    moved = {number: (left + 1, right + 1) for number, (left, right) in cars.items()}
    for number in cars:
        before = color_of(street(cars), number)
        after = color_of(street(moved), number)
        # One step on the circle at the most.
        step = 2 * np.sqrt(1.5) * SHADE_STRENGTH * np.sin(np.pi / NUM_SHADES)
        assert distance(before, after) <= step + 2


def test_the_larger_of_two_neighbours_has_its_way():
    large = street({1: (0, 40)})
    small = street({2: (16, 24)})
    wanted = color_of(large, 1)
    assert color_of(small, 2).tolist() == wanted.tolist()
    large[8:16, 16:24] = CAR + 2
    assert color_of(large, 1).tolist() == wanted.tolist()
    assert distance(color_of(large, 2), wanted) > 30


def test_calls_agree_and_leave_the_codes_alone():
    codes = np.random.default_rng(0).choice([0, 1001, 1002, 2001, 255000], (16, 16))
    before = codes.copy()
    first = colorize_panoptic(codes, PALETTE)
    np.testing.assert_array_equal(first, colorize_panoptic(codes, PALETTE))
    np.testing.assert_array_equal(codes, before)


def test_borders_are_one_pixel_wide_and_only_around_instances():
    codes = np.array(
        [
            [0, 0, 1000, 1000, 1000],
            [0, 2001, 2001, 2002, 1000],
            [0, 2001, 2001, 2002, 1000],
            [0, 0, 0, 0, 0],
        ]
    )
    expected = [
        [0, 1, 1, 1, 0],
        [1, 0, 1, 1, 0],
        [1, 1, 1, 1, 0],
        [0, 0, 0, 0, 0],
    ]
    np.testing.assert_array_equal(instance_borders(codes), np.array(expected, bool))
