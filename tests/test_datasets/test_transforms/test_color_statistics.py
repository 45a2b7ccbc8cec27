from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from segda_mm.datasets import ColorStatistics, CounterSeededDataset, MissingDataError
from segda_mm.registry import TRANSFORMS


def to_lab(image):
    """CIE 1976 L*a*b* of sRGB in [0, 255] under D65, written out."""
    rgb = image.astype(np.float64) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [
            [0.412453, 0.357580, 0.180423],
            [0.212671, 0.715160, 0.072169],
            [0.019334, 0.119193, 0.950227],
        ]
    )
    ratios = linear @ to_xyz.T / (0.950456, 1, 1.088754)
    cube_root = np.where(ratios > (6 / 29) ** 3, np.cbrt(ratios), 0)
    assert (cube_root > 0).all(), 'dark colours have another formula'
    x, y, z = np.moveaxis(cube_root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def noise(low, high, seed, size=(40, 50)):
    """An RGB image of uniform noise, its range given for each channel."""
    generator = np.random.default_rng(seed)
    return generator.integers(low, high, (*size, 3)).astype(np.uint8)


@pytest.fixture
def source():
    return noise((90, 80, 100), (160, 150, 140), seed=0)


@pytest.fixture
def target(tmp_path):
    """An image of another size, and the config of the data set it is in."""
    image = noise((100, 100, 60), (190, 170, 120), seed=1, size=(30, 70))
    (tmp_path / 'target').mkdir()
    Image.fromarray(image).save(tmp_path / 'target' / '0.png')
    images = dict(
        type='UnlabeledImageDataset',
        images=str(tmp_path / 'target'),
        # To do so is what takes the time of data sets this small.
        serialize_data=False,
    )
    return image, images


def statistics(image):
    lab = to_lab(image)
    return np.concatenate([lab.mean((0, 1)), lab.std((0, 1))])


def change(transform, image):
    """Apply a transform, which sees BGR, to an RGB image."""
    return transform({'img': image[..., ::-1]})['img'][..., ::-1]


@pytest.mark.parametrize('dtype', [np.uint8, np.float32])
def test_full_strength_takes_mean_and_deviation_over(source, target, dtype):
    image, images = target
    transform = ColorStatistics(images, strength=(1, 1), prob=1)
    result = change(transform, source.astype(dtype))
    assert result.dtype == dtype
    assert np.abs(statistics(source) - statistics(image)).max() > 5
    np.testing.assert_allclose(statistics(result), statistics(image), atol=0.1)


def test_half_the_strength_goes_half_the_way(source, target):
    image, images = target
    result = change(ColorStatistics(images, strength=(0.5, 0.5), prob=1), source)
    middle = (statistics(source) + statistics(image)) / 2
    np.testing.assert_allclose(statistics(result), middle, atol=0.1)


def test_strength_zero_and_prob_zero_leave_the_image(source, target):
    _, images = target
    result = change(ColorStatistics(images, strength=(0, 0), prob=1), source)
    # Of a space to another and back again.
    difference = np.abs(result.astype(int) - source)
    assert difference.max() <= 1
    assert difference.mean() < 0.02
    result = change(ColorStatistics(images, strength=(1, 1), prob=0), source)
    assert (result == source).all()


def test_the_strength_is_uniform_in_its_range(source, target):
    image, images = target
    transform = ColorStatistics(images, strength=(0.2, 0.8), prob=0.5)
    begin, end = statistics(source)[2], statistics(image)[2]
    np.random.seed(0)
    strengths = [
        (statistics(change(transform, source))[2] - begin) / (end - begin)
        for _ in range(400)
    ]
    changed = [strength for strength in strengths if strength > 0.01]
    # Four standard deviations of 400 draws.
    assert abs(len(changed) - 200) < 40
    assert 0.19 < min(changed) < 0.23
    assert 0.77 < max(changed) < 0.81
    assert abs(np.mean(changed) - 0.5) < 4 * 0.6 / np.sqrt(12 * len(changed))


def test_colours_out_of_range_are_clipped(target):
    _, images = target
    source = noise(0, 256, seed=2)
    source[:, ::5] = 255
    result = change(ColorStatistics(images, strength=(1, 1), prob=1), source)
    assert result.dtype == np.uint8
    # A wrap around would turn the lightest pixels dark.
    assert result[:, ::5].mean(-1).min() > 100


def test_the_draw_is_that_of_the_sample(source, target):
    class Samples:
        metainfo = {}
        transform = ColorStatistics(target[1], strength=(0, 1), prob=0.5)

        def __len__(self):
            return 8

        def __getitem__(self, index):
            return change(self.transform, source)

    dataset = CounterSeededDataset(Samples())
    dataset.set_epoch(1, seed=5)
    forwards = [dataset[i] for i in range(8)]
    backwards = [dataset[i] for i in reversed(range(8))][::-1]
    assert all(map(np.array_equal, forwards, backwards))
    assert len({image.tobytes() for image in forwards}) > 2


def test_built_from_a_config(target):
    config = dict(type='ColorStatistics', images=target[1], strength=(0.2, 1), prob=0.5)
    transform = TRANSFORMS.build(config)
    assert repr(transform) == ('ColorStatistics(1 images, strength=(0.2, 1), prob=0.5)')


@pytest.mark.parametrize('strength', [(-0.1, 1), (0.5, 0.2), (0, 1.1)])
def test_wrong_arguments(target, strength):
    images = target[1]
    with pytest.raises(ValueError, match='strength=.* of ColorStatistics'):
        ColorStatistics(images, strength, 1)
    with pytest.raises(ValueError, match='prob=-1 of ColorStatistics'):
        ColorStatistics(images, (0, 1), -1)
    with pytest.raises(MissingDataError, match='nowhere.*images= of ColorStatistics'):
        ColorStatistics(dict(images, images='nowhere'), (0, 1), 1)
