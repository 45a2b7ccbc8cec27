import numpy as np

from segda_mm.visualization import colorize


def test_palette_and_void():
    palette = [[128, 64, 128], [0, 0, 142]]
    labels = np.array([[0, 1], [255, 7]], np.uint8)
    expected = [[[128, 64, 128], [0, 0, 142]], [[0, 0, 0], [0, 0, 0]]]
    picture = colorize(labels, palette)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, expected)
