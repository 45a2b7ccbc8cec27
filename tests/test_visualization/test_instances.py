import numpy as np

from segda_mm.visualization.instances import is_instance, locate_instances

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
