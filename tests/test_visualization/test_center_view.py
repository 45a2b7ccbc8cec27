import numpy as np

from segda_mm.visualization import draw_centers

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
