import pytest
import torch

from segda_mm.methods import StrongAugmentation

MEAN = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1)
STD = torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1)


def augment(inputs, jitter=0.0, blur=0.0, others=0.5):
    """With the probabilities given; ``others`` than brightness are changed so far."""
    transform = StrongAugmentation(
        brightness=0.5,
        contrast=others,
        saturation=others,
        hue=others / 5,
        jitter_probability=jitter,
        blur_sigma=(0.5, 1.0),
        blur_probability=blur,
    )
    return transform(inputs, MEAN, STD)


def images(num=4):
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (num, 3, 24, 32), generator=generator).float()
    return (pixels - MEAN) / STD


def test_with_probability_zero_images_stay():
    changed = augment(images())
    torch.testing.assert_close(changed, images(), rtol=0, atol=1e-4)


def test_brightness_is_a_factor_on_pixels_and_images_differ():
    torch.manual_seed(0)
    before = images() * STD + MEAN
    changed = augment(images(), jitter=1.0, others=0.0) * STD + MEAN
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
    changed = augment(images(), blur=1.0)
    assert (changed.std((2, 3)) < 0.9 * images().std((2, 3))).all()
    torch.testing.assert_close(
        changed.mean((2, 3)), images().mean((2, 3)), rtol=0, atol=0.05
    )


@pytest.mark.parametrize('pixel', [0, 255])
def test_black_and_white_stay_numbers(pixel):
    flat = (torch.full((2, 3, 8, 8), float(pixel)) - MEAN) / STD
    torch.manual_seed(0)
    for _ in range(20):
        assert augment(flat, jitter=1.0).isfinite().all()


def test_memory_layout_is_kept_and_no_gradient_is_recorded():
    given = images().contiguous(memory_format=torch.channels_last).requires_grad_()
    changed = augment(given, jitter=1.0)
    assert changed.is_contiguous(memory_format=torch.channels_last)
    assert not changed.requires_grad
