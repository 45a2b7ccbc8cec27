import math

import pytest
import torch
from torch.distributions import Categorical

from segda_mm.models.losses import EntropyLoss
from segda_mm.registry import MODELS


def value_and_gradient(loss, logits):
    given = logits.clone().requires_grad_(True)
    value = loss(given)
    value.backward()
    return value.detach(), given.grad


def test_two_pixels_by_hand():
    # Probabilities 1/2, 1/4, 1/4: 3/2 bits. Then 1/3 each: log2(3) bits, which is
    # the largest entropy of three classes.
    probs = torch.tensor([[0.5, 0.25, 0.25], [1 / 3, 1 / 3, 1 / 3]])
    logits = probs.log().t().reshape(1, 3, 1, 2) + 7
    loss = MODELS.build(dict(type='EntropyLoss', loss_weight=0.5))
    expected = 0.5 * (1.5 / math.log2(3) + 1) / 2
    assert loss(logits).item() == pytest.approx(expected, rel=1e-5)


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


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_few_bits_and_certain_pixels_are_safe(dtype):
    logits = torch.tensor([[60.0, -60.0], [0.0, 0.0]], dtype=dtype)
    logits = logits.t().reshape(1, 2, 1, 2)
    value, gradient = value_and_gradient(EntropyLoss(loss_weight=1.0), logits)
    # One pixel is certain, the other one undecided.
    assert value.dtype == torch.float32 and value == 0.5
    assert gradient.dtype == dtype and not gradient.any()
