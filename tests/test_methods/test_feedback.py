import math

import pytest
import torch
from mmengine.model import BaseModule
from torch import nn

from segda_mm.methods import (
    GradientFeedback,
    LossProductFeedback,
    PseudoLabeler,
    PseudoLabels,
    StudentLossChangeFeedback,
)
from segda_mm.methods.feedback import StudentReport
from segda_mm.testing import domain_batch, tiny_bisenet


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


@pytest.mark.parametrize(
    ('momentum', 'gains', 'expected'),
    [
        (0.5, (0.4, 0.4, 0.4), (0, 0, 0)),
        (0.99, (0.4, 0.4, 0.1), (0, 0, -0.3)),
        # The mean of 1 and 2 with weights 1/4 and 1/2, whose sum is 3/4, is 5/3.
        (0.5, (1.0, 2.0, 3.0), (0, 1, 3 - 5 / 3)),
        (None, (0.4, 0.1), (0.4, 0.1)),
    ],
)
def test_the_baseline_is_the_mean_of_earlier_gains(momentum, gains, expected):
    """From the second step on, without a bias towards 0."""
    rule = StudentLossChangeFeedback(baseline_momentum=momentum)
    told = [rule(report(1.0, 1.0 - gain))['h'] for gain in gains]
    assert [float(h) for h in told] == pytest.approx(expected, abs=1e-6)
    resumed = StudentLossChangeFeedback(baseline_momentum=momentum)
    resumed.load_state_dict(rule.state_dict())
    assert resumed(report(1.0, 0.5))['h'] == rule(report(1.0, 0.5))['h']


def test_the_gradient_rule_takes_the_rate_and_the_product():
    told = report()._replace(gradient_product=torch.tensor(-5.0))
    assert GradientFeedback()(told)['h'] == pytest.approx(-0.5)


COLORS = torch.tensor([[220, 40, 40], [40, 220, 40], [40, 40, 220], [200, 200, 200]])


class Tiles(BaseModule):
    """Features of tiles of 8 x 8 pixels."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.AvgPool2d(8), nn.Conv2d(3, 16, 1), nn.BatchNorm2d(16), nn.ReLU()
        )

    def forward(self, inputs):
        return (self.layers(inputs),)


def of_tiles():
    config = tiny_bisenet()
    config.backbone, config.auxiliary_head = dict(type=Tiles), None
    config.decode_head.update(in_channels=16, num_convs=0)
    return config


def streets(seed):
    """Source and target whose colors tell the class, and the target's true labels."""
    batch, generator = domain_batch(seed), torch.Generator().manual_seed(seed)
    for domain in ('source', 'target'):
        tiles = torch.randint(4, (2, 8, 8), generator=generator)
        truth = tiles.repeat_interleave(8, 1).repeat_interleave(8, 2)
        for image, labels in zip(batch[domain]['inputs'], truth, strict=True):
            image.copy_(COLORS[labels].permute(2, 0, 1) + image // 8)
        if domain == 'source':
            for sample, labels in zip(batch[domain]['data_samples'], truth):
                sample.gt_sem_seg.data = labels[None]
    return batch, truth


class Planted(PseudoLabeler):
    """Gives labels that it was told before."""

    truth: torch.Tensor

    def forward(self, confidence, labels, num_classes):
        return PseudoLabels(self.truth, torch.ones_like(confidence))


def feedback_on(make_model, rule, classes):
    """h of good labels and, in turn, of labels that take each class for another."""
    model, wrappers = make_model(
        'mpl', of_tiles, feedback_rule=rule, pseudo_labeler=dict(type=Planted)
    )
    model.set_progress(30, 50)
    for wrapper in wrappers.values():
        wrapper.param_groups[0]['lr'] = 0.1
    good, corrupted = [], []
    for step in range(12):
        batch, truth = streets(step)
        told, truth = (
            (corrupted, torch.tensor(classes)[truth]) if step % 2 else (good, truth)
        )
        model.pseudo_labeler.truth = truth
        told.append(float(model.train_step(batch, wrappers)['mpl.h']))
    # In the first step a mean of earlier ones knows nothing.
    return good[1:], corrupted


OTHER_CLASSES = [(1, 2, 3, 0), (2, 3, 0, 1), (3, 2, 1, 0)]


@pytest.mark.parametrize('classes', OTHER_CLASSES)
@pytest.mark.parametrize(
    'rule',
    [
        dict(type='GradientFeedback'),
        dict(type='StudentLossChangeFeedback', baseline_momentum=0.9),
    ],
)
def test_good_labels_are_confirmed_and_corrupted_ones_rejected(
    make_model, rule, classes
):
    good, corrupted = feedback_on(make_model, rule, classes)
    assert min(good) > 0 > max(corrupted)


@pytest.mark.parametrize('classes', OTHER_CLASSES)
def test_the_product_of_the_paper_cannot_tell_them_apart(make_model, classes):
    """It confirms both, and the corrupted ones more: the student's loss is high."""
    rule = dict(type='LossProductFeedback', growth_epochs=40, full_after_epoch=25)
    good, corrupted = feedback_on(make_model, rule, classes)
    assert 0 < sum(good) / len(good) < sum(corrupted) / len(corrupted)
