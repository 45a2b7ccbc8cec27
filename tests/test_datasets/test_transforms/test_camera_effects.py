from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from segda_mm.datasets import CameraEffects

NO_BLUR = (1e-3, 1e-3)


def apply(image, **arguments):
    transform = CameraEffects(**arguments)
    np.random.seed(0)
    return transform(dict(img=image))['img']


def test_noise_has_the_given_deviation_in_every_pixel_and_channel():
    image = np.full((200, 300, 3), 120, np.uint8)
    changed = apply(image, blur_sigma=NO_BLUR, noise_sigma=(8, 8), prob=1.0)
    assert changed.dtype == np.uint8
    noise = changed.astype(float) - 120
    # Rounding adds the variance of a uniform distribution.
    expected = np.sqrt(64 + 1 / 12)
    assert np.allclose(noise.std((0, 1)), expected, rtol=0.01)
    assert abs(noise.mean()) < 0.05
    for first, second in (
        (noise[:, 1:, 0], noise[:, :-1, 0]),
        (noise[1:, :, 1], noise[:-1, :, 1]),
        (noise[..., 0], noise[..., 2]),
    ):
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.02


def test_the_blur_is_a_gaussian_of_the_given_deviation():
    image = np.random.default_rng(0).uniform(0, 255, (60, 80, 3)).astype(np.float32)
    changed = apply(image, blur_sigma=(1.5, 1.5), noise_sigma=(0, 0), prob=1.0)
    assert changed.dtype == np.float32
    # Both mirror without repeating the edge; they cut the bell at other places.
    expected = gaussian_filter(image, (1.5, 1.5, 0), mode='mirror', truncate=5)
    assert np.abs(changed - expected).max() < 0.5


def test_strengths_and_whether_are_drawn_for_each_image():
    image = np.full((40, 40, 3), 100, np.uint8)
    transform = CameraEffects(blur_sigma=(0.1, 1.5), noise_sigma=(1, 20), prob=0.5)
    np.random.seed(1)
    deviations = [float(transform(dict(img=image))['img'].std()) for _ in range(400)]
    # A blur leaves an even image as it is.
    untouched = sum(deviation == 0 for deviation in deviations)
    assert 160 < untouched < 240
    noisy = [deviation for deviation in deviations if deviation]
    assert min(noisy) < 3 and max(noisy) > 18
    assert apply(image, blur_sigma=(1, 2), noise_sigma=(9, 9), prob=0.0).std() == 0


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(blur_sigma=(0, 1)), r'blur_sigma=\(0, 1\) .* above 0'),
        (dict(blur_sigma=(2, 1)), r'blur_sigma=\(2, 1\) .* above 0'),
        (dict(noise_sigma=(-1, 1)), r'noise_sigma=\(-1, 1\) .* at least 0'),
        (dict(prob=1.5), r'prob=1.5 of CameraEffects must be in \[0, 1\]'),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        CameraEffects(
            **{**dict(blur_sigma=(1, 2), noise_sigma=(0, 1), prob=0.5), **arguments}
        )
