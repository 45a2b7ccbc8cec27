import math

import numpy as np
import pytest

from segda_mm.ops.panoptic_targets import panoptic_targets

ROAD, CAR, PERSON = 0, 13, 11
VOID, IGNORED = 255000, 255001


def reference(codes, thing_classes, sigma, small_area, small_weight):
    """The same pixel by pixel, from the definitions."""
    height, width = codes.shape
    members = {}
    for y in range(height):
        for x in range(width):
            code = int(codes[y, x])
            if code // 1000 in thing_classes and code % 1000:
                members.setdefault(code, []).append((y, x))
    centers = {
        code: (
            sum(y for y, _ in pixels) / len(pixels),
            sum(x for _, x in pixels) / len(pixels),
        )
        for code, pixels in members.items()
    }
    radius = int(3 * sigma + 1)
    heatmap = np.zeros((height, width))
    center_weight = np.zeros((height, width))
    offset = np.zeros((2, height, width))
    offset_weight = np.zeros((height, width))
    sem_seg_weight = np.ones((height, width))
    for y in range(height):
        for x in range(width):
            code = int(codes[y, x])
            is_crowd = code // 1000 in thing_classes and code % 1000 == 0
            center_weight[y, x] = code // 1000 != 255 and not is_crowd
            for center_y, center_x in centers.values():
                dy = y - math.floor(center_y + 0.5)
                dx = x - math.floor(center_x + 0.5)
                if max(abs(dy), abs(dx)) <= radius:
                    value = math.exp(-(dy**2 + dx**2) / (2 * sigma**2))
                    heatmap[y, x] = max(heatmap[y, x], value)
            if code in members:
                offset[:, y, x] = centers[code][0] - y, centers[code][1] - x
                offset_weight[y, x] = 1
                if len(members[code]) < small_area:
                    sem_seg_weight[y, x] = small_weight
    return dict(
        gt_center_heatmap=heatmap,
        gt_center_weight=center_weight,
        gt_offset=offset,
        gt_offset_weight=offset_weight,
        gt_sem_seg_weight=sem_seg_weight,
    )


def random_codes(seed, height=26, width=40):
    """Stuff, void and up to nine rectangles of things, groups and ignored ones."""
    rng = np.random.default_rng(seed)
    codes = np.full((height, width), ROAD * 1000, np.int32)
    codes[: rng.integers(0, height)] = rng.choice([1000, VOID])
    for number in range(rng.integers(0, 10)):
        top, left = rng.integers(0, height - 1), rng.integers(0, width - 1)
        code = rng.choice([PERSON, CAR]) * 1000 + rng.integers(0, 4) * (number + 1)
        codes[
            top : top + rng.integers(1, height), left : left + rng.integers(1, width)
        ] = rng.choice([code, code, code, IGNORED])
    return codes


def test_a_car_of_five_pixels_by_hand():
    codes = np.zeros((4, 6), np.int32)
    codes[1, 1:5] = CAR * 1000 + 7
    codes[2, 1] = CAR * 1000 + 7
    # Mean row (1 * 4 + 2) / 5, mean column (1 + 2 + 3 + 4 + 1) / 5.
    targets = panoptic_targets(codes, [CAR], sigma=2.0)
    assert all(array.dtype == np.float32 for array in targets.values())
    assert targets['gt_offset'].shape == (2, 4, 6)
    np.testing.assert_allclose(targets['gt_offset'][:, 1, 1], [0.2, 1.2], rtol=1e-6)
    np.testing.assert_allclose(targets['gt_offset'][:, 2, 1], [-0.8, 1.2], rtol=1e-6)
    np.testing.assert_allclose(targets['gt_offset'][:, 1, 4], [0.2, -1.8], rtol=1e-6)
    assert not targets['gt_offset'][:, codes == 0].any()
    np.testing.assert_array_equal(targets['gt_offset_weight'], codes > 0)
    np.testing.assert_array_equal(
        targets['gt_sem_seg_weight'], np.where(codes > 0, 3, 1)
    )
    np.testing.assert_array_equal(targets['gt_center_weight'], np.ones((4, 6)))
    heatmap = targets['gt_center_heatmap']
    assert heatmap[1, 2] == 1
    assert heatmap[1, 3] == pytest.approx(math.exp(-1 / 8))
    assert heatmap[3, 5] == pytest.approx(math.exp(-13 / 8))


@pytest.mark.parametrize('seed', range(10))
def test_targets_are_those_of_plain_loops(seed):
    # Some are views that run backwards, and for some a person is no thing.
    codes = random_codes(seed)[:, :: [1, -1][seed % 2]]
    sigma, things = [1.0, 2.5, 8.0][seed % 3], [(PERSON, CAR), (CAR,)][seed % 5 == 4]
    targets = panoptic_targets(codes, things, sigma, 60, 2.0)
    expected = reference(codes, things, sigma, 60, 2.0)
    assert targets.keys() == expected.keys()
    for key, array in expected.items():
        np.testing.assert_allclose(targets[key], array, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ('code', 'sigma', 'message'),
    [(256000, 8.0, r'in \[256000, 256000\]'), (0, 0, 'sigma is 0')],
)
def test_wrong_inputs_are_named(code, sigma, message):
    with pytest.raises(ValueError, match=message):
        panoptic_targets(np.full((2, 2), code, np.int32), [CAR], sigma)
