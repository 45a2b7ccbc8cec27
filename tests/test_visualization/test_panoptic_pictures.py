import colorsys

import numpy as np

from segda_mm.visualization import (
    colorize_offsets,
    colorize_panoptic,
    draw_centers,
    instance_borders,
)
from segda_mm.visualization.panoptic_pictures import (
    NUM_SHADES,
    SHADE_STRENGTH,
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


def test_areas_and_centers_by_hand():
    codes, areas, centers = locate_instances(CODES)
    assert codes.tolist() == [3001, 3002]
    assert areas.tolist() == [3, 3]
    np.testing.assert_allclose(centers, [[1, 3], [1 / 3, 4 / 3]])
    # With offsets, where the pixels point to: (5, -2) and (0, 1).
    points = np.stack(np.mgrid[:3, :4]).astype(np.float32)
    target = np.where(CODES == 3001, [[[5.0]], [[-2.0]]], [[[0.0]], [[1.0]]])
    centers = locate_instances(CODES, target - points).centers
    np.testing.assert_allclose(centers, [[5, -2], [0, 1]], atol=1e-6)
    assert locate_instances(CODES[:, :1]).centers.shape == (0, 2)


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


#: Between neighbours on the circle of shades.
ONE_STEP = 2 * np.sqrt(1.5) * SHADE_STRENGTH * np.sin(np.pi / NUM_SHADES)


def test_a_row_of_equal_cars_has_clear_shades_of_the_colour_of_the_class():
    codes = street({k + 1: (8 * k, 8 * k + 8) for k in range(12)})
    colors = np.array([color_of(codes, k + 1) for k in range(12)])
    assert np.linalg.norm(np.diff(colors, axis=0), axis=1).min() > 1.5 * ONE_STEP
    # The base moves inwards by the strength, a shade by as much again.
    assert np.abs(colors - PALETTE[2]).max() <= 2 * SHADE_STRENGTH
    assert (colors[:, 2] > colors[:, :2].max(-1)).all()


def test_the_larger_of_two_neighbours_has_its_way():
    large = street({1: (0, 40)})
    small = street({2: (16, 24)})
    wanted = color_of(large, 1)
    assert color_of(small, 2).tolist() == wanted.tolist()
    large[8:16, 16:24] = CAR + 2
    assert color_of(large, 1).tolist() == wanted.tolist()
    assert distance(color_of(large, 2), wanted) > 30


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
    # One beyond the border does no harm.
    beyond = np.array([[-50.0, 2.0], [10.0, 400.0]])
    same = draw_centers(IMAGE, np.zeros((64, 96)), beyond, beyond)
    np.testing.assert_array_equal(same, picture[:1, :1].repeat(64, 0).repeat(96, 1))


def test_every_direction_and_length_against_colorsys():
    draw = np.random.default_rng(0)
    offset = draw.normal(0, 40, (2, 5, 7)).astype(np.float32)
    # Right, down, left, up, and nowhere.
    offset[:, 0, :5] = [[0, 50, 0, -50, 0], [50, 0, -50, 0, 0]]
    picture = colorize_offsets(offset, np.ones((5, 7), bool))
    assert picture.dtype == np.uint8
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
    assert not colorize_offsets(offset, np.zeros((2, 3), bool)).any()
