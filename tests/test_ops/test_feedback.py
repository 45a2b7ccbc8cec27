import pytest
import torch

from segda_mm.ops.feedback import alpha_ramp, loss_product


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
