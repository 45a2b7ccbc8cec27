import math

import numpy as np
import pytest
import torch
from torch.distributions import Categorical

from segda_mm.models.losses import EntropyLoss, MaximumSquaresLoss
from segda_mm.registry import MODELS


def value_and_gradient(loss, logits):
    given = logits.clone().requires_grad_(True)
    value = loss(given)
    value.backward()
    return value.detach(), given.grad


def of_probabilities(probs):
    """Logits (1, C, 1, P) whose softmax is ``probs``, (P, C)."""
    return (torch.tensor(probs).log() + 7).t()[None, :, None]


@pytest.mark.parametrize(
    ('loss', 'expected'),
    [
        # 3/2 bits, and log2(3) bits, which is the most of three classes.
        ('EntropyLoss', (1.5 / math.log2(3) + 1) / 2),
        # 1/4 + 1/16 + 1/16 and 1/3; half of their mean.
        ('MaximumSquaresLoss', -(3 / 8 + 1 / 3) / 4),
    ],
)
def test_two_pixels_by_hand(loss, expected):
    logits = of_probabilities([[0.5, 0.25, 0.25], [1 / 3, 1 / 3, 1 / 3]])
    value = MODELS.build(dict(type=loss, loss_weight=0.5))(logits)
    assert value.item() == pytest.approx(0.5 * expected, rel=1e-5)


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_value_and_gradient_are_those_of_the_distribution(layout):
    torch.manual_seed(0)
    logits = (3 * torch.randn(2, 5, 6, 7)).to(memory_format=layout)

    def reference(given):
        entropy = Categorical(logits=given.permute(0, 2, 3, 1)).entropy()
        return 0.3 * entropy.mean() / math.log(5)

    got = value_and_gradient(EntropyLoss(loss_weight=0.3), logits)
    torch.testing.assert_close(got, value_and_gradient(reference, logits))
    assert got[1].any()


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('ratio', [None, 0, 0.2])
def test_gradient_by_formula(ratio, layout):
    torch.manual_seed(0)
    logits = (2 * torch.randn(2, 4, 5, 6)).to(memory_format=layout)
    value, gradient = value_and_gradient(MaximumSquaresLoss(0.3, ratio), logits)

    # d/dz_k of -w/2 sum_c p_c^2 is -w p_k (p_k - sum_c p_c^2).
    table = logits.double().permute(0, 2, 3, 1).reshape(2, 30, 4).numpy()
    probs = np.exp(table) / np.exp(table).sum(-1, keepdims=True)
    weights = np.full((2, 30), 1 / 30)
    if ratio is not None:
        for image, classes in enumerate(table.argmax(-1)):
            counts = np.bincount(classes, minlength=4)[classes]
            weights[image] = 1 / (counts**ratio * 30.0 ** (1 - ratio))
    squares = (probs**2).sum(-1)
    assert value.item() == pytest.approx(-0.3 * (weights * squares).sum() / 4, rel=1e-5)
    expected = -0.3 / 2 * weights[..., None] * probs * (probs - squares[..., None])
    got = gradient.permute(0, 2, 3, 1).reshape(2, 30, 4).numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    ('loss', 'expected'),
    [
        (EntropyLoss(loss_weight=1.0), 0),
        (MaximumSquaresLoss(1.0), -0.5),
        (MaximumSquaresLoss(1.0, image_wise_weighting_ratio=0.2), -0.5),
    ],
)
def test_few_bits_and_certain_pixels_are_safe(loss, expected, dtype):
    # 400 x 400 pixels: their number is beyond float16.
    logits = torch.zeros(1, 2, 400, 400, dtype=dtype)
    logits[:, 0] = 60
    value, gradient = value_and_gradient(loss, logits)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(expected)
    assert gradient.isfinite().all()


def test_ratio_out_of_range():
    with pytest.raises(ValueError, match=r'\[0, 1\] or be None, not 1.5'):
        MaximumSquaresLoss(1.0, image_wise_weighting_ratio=1.5)
