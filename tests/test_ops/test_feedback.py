import math

import pytest
import torch

from segda_mm.ops.feedback import alpha_ramp, loss_change, loss_product


@pytest.mark.parametrize(
    'epoch, expected', [(0, 0.0), (1, 0.025315), (25, 0.868246), (26, 1.0), (49, 1.0)]
)
def test_alpha_of_the_paper(epoch, expected):
    assert alpha_ramp(epoch) == pytest.approx(expected, abs=1e-6)


def test_alpha_never_exceeds_one():
    assert alpha_ramp(10, growth_epochs=5, full_after_epoch=20) == 1.0


def test_loss_product_by_hand():
    target = torch.tensor(3.0, requires_grad=True)
    source = torch.tensor(2.0, requires_grad=True)
    h = loss_product(0.5, 0.1, target, source)
    assert h == pytest.approx(0.5 * 0.1 * 3 * 2)
    assert not h.requires_grad


@pytest.mark.parametrize('pseudo_label, sign', [(2.0, 1), (-2.0, -1)])
def test_loss_change_on_a_line(pseudo_label, sign):
    """One weight w = 0, labelled loss (w - 1)^2, pseudo loss (w - y)^2.

    One step of rate 0.01 goes to w = 0.02 y; the labelled loss changes by
    1 - (0.02 y - 1)^2 = 0.04 y - 0.0004 y^2: a gain for y = 2, a loss for
    y = -2. To first order that is lr * grad_labelled * grad_pseudo = 0.04 y.
    """
    weight = torch.zeros((), requires_grad=True)
    before = (weight - 1) ** 2
    (gradient,) = torch.autograd.grad((weight - pseudo_label) ** 2, weight)
    after = (weight - 0.01 * gradient - 1) ** 2
    h = loss_change(before, after)
    assert h == pytest.approx(0.04 * pseudo_label - 0.0004 * pseudo_label**2)
    assert math.copysign(1, h) == sign
    assert not h.requires_grad
