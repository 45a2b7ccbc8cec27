from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from segda_mm.apis import PreflightError
from segda_mm.apis.checks.preflight import require_data
from segda_mm.datasets import ColorStatistics, FourierStyle
from segda_mm.ops.style import transfer_low_frequencies

RED, GREEN = (200, 30, 10), (20, 180, 40)


@pytest.fixture
def write_target(tmp_path):
    """Write RGB images; return the config of their data set."""

    def write(*images):
        folder = tmp_path / 'target'
        folder.mkdir(exist_ok=True)
        for index, image in enumerate(images):
            Image.fromarray(image).save(folder / f'{index}.png')
        # To serialize is what takes the time of data sets this small.
        return dict(
            type='UnlabeledImageDataset', images=str(folder), serialize_data=False
        )

    return write


def plain(color, size=(6, 8)):
    """An RGB image of one colour."""
    return np.full((*size, 3), color, dtype=np.uint8)


def noise(low, high, seed, size=(40, 50)):
    """An RGB image of uniform noise, its range given for each channel."""
    generator = np.random.default_rng(seed)
    return generator.integers(low, high, (*size, 3)).astype(np.uint8)


SOURCE = noise((90, 80, 100), (160, 150, 140), seed=0)
TARGET = noise((100, 100, 60), (190, 170, 120), seed=1, size=(30, 70))


def change(transform, image):
    """Apply a transform, which sees BGR, to an RGB image."""
    return transform({'img': image[..., ::-1]})['img'][..., ::-1]


def test_targets_are_drawn_alike_and_with_the_given_probability(write_target):
    colors = (RED, GREEN, (9, 9, 9))
    images = write_target(*(plain(color, size=(10, 20)) for color in colors))
    transform = FourierStyle(images, beta=0.1, prob=0.6)
    np.random.seed(0)
    counts = Counter(
        tuple(change(transform, plain((0, 0, 99)))[0, 0].tolist()) for _ in range(500)
    )
    expected = {RED: 100, GREEN: 100, (9, 9, 9): 100, (0, 0, 99): 200}
    assert counts.keys() == expected.keys()
    # Four standard deviations, at most 11 each.
    assert all(abs(counts[color] - expected[color]) < 44 for color in expected)


def test_an_absent_folder_is_told_before_the_training(gta5_root, tmp_path):
    images = dict(type='CityscapesImagesDataset', data_root=str(tmp_path))
    style = dict(type='FourierStyle', images=images, beta=0.1, prob=0.5)
    dataset = dict(type='GTA5Dataset', data_root=str(gta5_root), pipeline=[style])
    cfg = Config(dict(train_dataloader=dict(dataset=dataset)))
    with pytest.raises(PreflightError) as caught:
        require_data(cfg, ('train_dataloader',))
    assert str(tmp_path / 'leftImg8bit/train') in str(caught.value)
    assert 'for images= of FourierStyle in the pipeline' in str(caught.value)


def test_wrong_arguments(write_target):
    images = write_target(plain(RED))
    with pytest.raises(ValueError, match='beta=0.5'):
        FourierStyle(images, beta=0.5, prob=1)
    with pytest.raises(ValueError, match="images= of FourierStyle is 'folder'"):
        FourierStyle('folder', beta=0.1, prob=1)
    with pytest.raises(ValueError, match=r'strength=\(0.5, 0.2\)'):
        ColorStatistics(images, strength=(0.5, 0.2), prob=1)


def test_the_target_is_resized_and_the_result_clipped(write_target):
    # Noise of great contrast on a target that is bright all over.
    pixels = np.random.default_rng(1).integers(0, 2, (6, 8, 3), dtype=np.uint8) * 255
    style = noise(0, 256, seed=3, size=(6, 8))
    transform = FourierStyle(write_target(style), 0.4, 1)
    exact = transfer_low_frequencies(pixels, style[..., ::-1], 0.4)
    assert exact.min() < -1 and exact.max() > 256
    image = transform({'img': pixels.copy()})['img']
    assert np.abs(image - exact.clip(0, 255)).max() <= 0.5
    larger = np.kron(pixels, np.ones((3, 2, 1), dtype=np.uint8))
    assert transform({'img': larger})['img'].shape == (18, 16, 3)


def to_lab(image):
    """CIE 1976 L*a*b* of sRGB in [0, 255] under D65, written out."""
    rgb = image.astype(np.float64) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_x = (0.412453, 0.357580, 0.180423)
    to_y = (0.212671, 0.715160, 0.072169)
    to_z = (0.019334, 0.119193, 0.950227)
    ratios = linear @ np.array([to_x, to_y, to_z]).T / (0.950456, 1, 1.088754)
    cube_root = np.where(ratios > (6 / 29) ** 3, np.cbrt(ratios), 0)
    assert (cube_root > 0).all(), 'dark colours have another formula'
    x, y, z = np.moveaxis(cube_root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def statistics(image):
    lab = to_lab(image)
    return np.concatenate([lab.mean((0, 1)), lab.std((0, 1))])


@pytest.mark.parametrize('dtype', [np.uint8, np.float32])
@pytest.mark.parametrize('strength', [0.5, 1])
def test_mean_and_deviation_go_as_far_as_the_strength(write_target, dtype, strength):
    begin, end = statistics(SOURCE), statistics(TARGET)
    assert np.abs(begin - end).max() > 5
    transform = ColorStatistics(write_target(TARGET), (strength, strength), prob=1)
    result = change(transform, SOURCE.astype(dtype))
    assert result.dtype == dtype
    expected = begin + strength * (end - begin)
    np.testing.assert_allclose(statistics(result), expected, atol=0.1)
