import pytest
import torch

from segda_mm.methods import StrongAugmentation

MEAN = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1)
STD = torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1)
NEVER = dict(
    brightness=0.5,
    contrast=0.5,
    saturation=0.5,
    hue=0.1,
    jitter_probability=0.0,
    blur_sigma=(0.5, 1.0),
    blur_probability=0.0,
)


def images(num=4):
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (num, 3, 24, 32), generator=generator).float()
    return (pixels - MEAN) / STD


def test_with_probability_zero_images_stay():
    changed = StrongAugmentation(**NEVER)(images(), MEAN, STD)
    torch.testing.assert_close(changed, images(), rtol=0, atol=1e-4)


def test_brightness_is_a_factor_on_pixels_and_images_differ():
    only_brightness = {
        **NEVER,
        'contrast': 0.0,
        'saturation': 0.0,
        'hue': 0.0,
        'jitter_probability': 1.0,
    }
    torch.manual_seed(0)
    before = images() * STD + MEAN
    changed = StrongAugmentation(**only_brightness)(images(), MEAN, STD) * STD + MEAN
    factors = []
    for old, new in zip(before, changed):
        inside = (old > 1) & (new < 254)
        ratio = new[inside] / old[inside]
        factors.append(ratio.median())
        torch.testing.assert_close(
            ratio, factors[-1].expand_as(ratio), rtol=1e-3, atol=0
        )
    factors = torch.stack(factors)
    assert factors.min() >= 0.5 and factors.max() <= 1.5
    assert len(factors.unique()) == len(factors)


def test_blur_keeps_the_mean_and_lowers_the_contrast():
    blur = StrongAugmentation(**{**NEVER, 'blur_probability': 1.0})
    changed = blur(images(), MEAN, STD)
    assert (changed.std((2, 3)) < 0.9 * images().std((2, 3))).all()
    torch.testing.assert_close(
        changed.mean((2, 3)), images().mean((2, 3)), rtol=0, atol=0.05
    )


@pytest.mark.parametrize('pixel', [0, 255])
def test_black_and_white_stay_numbers(pixel):
    jitter = StrongAugmentation(**{**NEVER, 'jitter_probability': 1.0})
    flat = (torch.full((2, 3, 8, 8), float(pixel)) - MEAN) / STD
    torch.manual_seed(0)
    for _ in range(50):
        assert jitter(flat, MEAN, STD).isfinite().all()


def test_memory_layout_is_kept_and_no_gradient_is_recorded():
    given = images().contiguous(memory_format=torch.channels_last).requires_grad_()
    changed = StrongAugmentation(**{**NEVER, 'jitter_probability': 1.0})(
        given, MEAN, STD
    )
    assert changed.is_contiguous(memory_format=torch.channels_last)
    assert not changed.requires_grad
