import math

import pytest
import torch

from segda_mm.methods import LossProductFeedback, StudentLossChangeFeedback
from segda_mm.methods.feedback import StudentReport


def report(before=0.0, after=0.0, epoch=0):
    return StudentReport(
        source_loss=torch.tensor(2.0),
        target_loss=torch.tensor(3.0),
        labeled_loss_before=torch.tensor(before),
        labeled_loss_after=torch.tensor(after),
        learning_rate=0.1,
        epoch=epoch,
        max_epochs=50,
    )


@pytest.mark.parametrize(
    'first, epoch, h',
    [(None, 0, 0), (1.0, 0, 1), (1.0, 20, 0.6 * 0.648721), (None, 26, 0.6)],
)
def test_loss_product_follows_alpha(first, epoch, h):
    rule = LossProductFeedback(40, 25, first)
    assert rule(report(epoch=epoch))['h'] == pytest.approx(h, abs=1e-6)


@pytest.mark.parametrize('pseudo_label, sign', [(2.0, 1), (-2.0, -1)])
def test_a_harmful_step_turns_the_teacher_away_from_its_labels(pseudo_label, sign):
    """One weight w = 0, labelled loss (w - 1)^2, pseudo loss (w - y)^2.

    One step of rate 0.01 goes to w = 0.02 y; the labelled loss changes by
    1 - (0.02 y - 1)^2 = 0.04 y - 0.0004 y^2: a gain for y = 2, a loss for
    y = -2. To first order that is lr * grad_labelled * grad_pseudo = 0.04 y.
    """
    weight = torch.zeros((), requires_grad=True)
    before = (weight - 1) ** 2
    (gradient,) = torch.autograd.grad((weight - pseudo_label) ** 2, weight)
    after = (weight - 0.01 * gradient - 1) ** 2
    told = report()._replace(labeled_loss_before=before, labeled_loss_after=after)
    h = StudentLossChangeFeedback(baseline_momentum=None)(told)['h']
    assert h == pytest.approx(0.04 * pseudo_label - 0.0004 * pseudo_label**2)
    assert math.copysign(1, h) == sign
    assert not h.requires_grad


def test_the_baseline_is_the_running_mean_of_earlier_gains():
    rule = StudentLossChangeFeedback(baseline_momentum=0.5)
    gains = [rule(report(1.0, 1.0 - gain))['h'] for gain in (0.4, 0.4, 0.4)]
    assert [float(g) for g in gains] == pytest.approx([0.4, 0.2, 0.1])
    assert 'baseline' in rule.state_dict()
