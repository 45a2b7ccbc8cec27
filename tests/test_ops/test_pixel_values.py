import numpy as np

from segda_mm.ops.pixel_values import to_pixel_values

VALUES = np.array([-3.0, 0.4, 0.6, 254.7, 255.6, 400.0], dtype=np.float32)


def test_integers_are_rounded():
    pixels = to_pixel_values(VALUES, np.dtype(np.uint8))
    assert pixels.dtype == np.uint8
    assert pixels.tolist() == [0, 0, 1, 255, 255, 255]


def test_floats_are_limited_alone():
    pixels = to_pixel_values(VALUES, np.dtype(np.float32))
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels, [0, 0.4, 0.6, 254.7, 255, 255])
