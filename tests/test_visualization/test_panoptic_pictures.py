import colorsys

import numpy as np
import pytest

from segda_mm.visualization import (
    colorize_offsets,
    colorize_panoptic,
    draw_centers,
    instance_borders,
)
from segda_mm.visualization.panoptic_pictures import (
    NUM_SHADES,
    SHADE_STRENGTH,
    is_instance,
    locate_instances,
)

# Stuff, void, a group of class 3, an ignored instance, two instances.
CODES = np.array(
    [
        [1000, 3002, 3002, 3001],
        [1000, 3002, 3000, 3001],
        [255000, 255001, 3000, 3001],
    ],
    np.int32,
)


def test_only_numbered_things_are_instances():
    expected = [[0, 1, 1, 1], [0, 1, 0, 1], [0, 0, 0, 1]]
    np.testing.assert_array_equal(is_instance(CODES), np.array(expected, bool))


def test_areas_and_means_by_hand():
    codes, areas, centers = locate_instances(CODES)
    assert codes.tolist() == [3001, 3002]
    assert areas.tolist() == [3, 3]
    np.testing.assert_allclose(centers, [[1, 3], [1 / 3, 4 / 3]])


def test_offsets_lead_to_the_center_of_a_mask_that_is_cut():
    # Pixels of one instance all point to (5, -2), of the other to (0, 1).
    points = np.stack(np.mgrid[:3, :4]).astype(np.float32)
    target = np.where(CODES == 3001, [[[5.0]], [[-2.0]]], [[[0.0]], [[1.0]]])
    centers = locate_instances(CODES, target - points).centers
    np.testing.assert_allclose(centers, [[5, -2], [0, 1]], atol=1e-6)


def test_no_instance():
    codes, areas, centers = locate_instances(CODES[:, :1])
    assert codes.shape == areas.shape == (0,)
    assert centers.shape == (0, 2)


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


IMAGE = np.full((64, 96, 3), (60, 120, 180), np.uint8)
NOWHERE = np.zeros((0, 2))


def test_no_heat_is_the_dark_grey_image():
    picture = draw_centers(IMAGE, np.zeros((64, 96)), NOWHERE)
    assert picture.shape == IMAGE.shape
    assert picture.dtype == np.uint8
    # ITU-R 601 luma of the pixels, halved.
    grey = (0.299 * 60 + 0.587 * 120 + 0.114 * 180) / 2
    assert np.abs(picture.astype(float) - grey).max() <= 1


def test_heat_grows_brighter_and_is_cut_off_outside_its_range():
    heatmap = np.zeros((64, 96), np.float32)
    heatmap[0, :6] = [-3, 0, 0.4, 0.7, 1, 5]
    row = draw_centers(IMAGE, heatmap, NOWHERE)[0, :6].astype(int)
    assert row[0].tolist() == row[1].tolist()
    assert row[4].tolist() == row[5].tolist() == [255, 255, 255]
    assert (np.diff(row[1:5, 0]) > 0).all()
    # Red before the other two.
    assert row[2, 0] > row[2, 1:].max()


def test_marks_lie_on_their_points():
    cyan, green = (0, 255, 255), (0, 255, 0)
    picture = draw_centers(
        IMAGE,
        np.zeros((64, 96)),
        np.array([[20.4, 30.6]]),
        np.array([[40.0, 70.0]]),
    )
    for color, center in ((cyan, (20, 31)), (green, (40, 70))):
        marked = np.argwhere((picture == color).all(-1))
        np.testing.assert_allclose(marked.mean(0), center)
        # Small, and not a single pixel that is easily overlooked.
        assert 3 <= np.ptp(marked, axis=0).min() <= np.ptp(marked, axis=0).max() <= 8
    # The cross covers its point, the circle leaves it to be seen.
    assert picture[20, 31].tolist() == list(cyan)
    assert picture[40, 70].tolist() == picture[0, 0].tolist()


def test_a_point_beyond_the_border_does_no_harm():
    beyond = np.array([[-50.0, 2.0], [10.0, 400.0]])
    picture = draw_centers(IMAGE, np.zeros((64, 96)), beyond, beyond)
    plain = draw_centers(IMAGE, np.zeros((64, 96)), NOWHERE)
    np.testing.assert_array_equal(picture, plain)


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
