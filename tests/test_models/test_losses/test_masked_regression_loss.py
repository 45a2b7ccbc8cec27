import pytest
import torch

from segda_mm.models.losses import MaskedRegressionLoss

#: Two images of 1x2 pixels, two channels; errors 1, 2 / 3, 4 and 5, 6 / 7, 8.
PREDICTION = torch.arange(1.0, 9).view(2, 2, 1, 2)
TARGET = torch.zeros(2, 2, 1, 2)
#: Of the four pixels, over all channels.
WEIGHT = torch.tensor([1.0, 0.0, 0.5, 1.0]).view(2, 1, 1, 2)


@pytest.mark.parametrize(
    ('norm', 'expected'),
    [
        ('l1', ((1 + 3) + 0.5 * (5 + 7) + (6 + 8)) / 2 / 2.5),
        ('l2', ((1 + 9) + 0.5 * (25 + 49) + (36 + 64)) / 2 / 2.5),
    ],
)
@pytest.mark.parametrize('sign', [1, -1])
def test_mean_over_channels_and_weighted_pixels(norm, expected, sign):
    loss = MaskedRegressionLoss(norm=norm, loss_weight=2.0)
    value = loss(sign * PREDICTION, TARGET, WEIGHT)
    assert value.item() == pytest.approx(2 * expected)


@pytest.mark.parametrize('norm', ['l1', 'l2'])
def test_no_weight_at_all(norm):
    prediction = PREDICTION.clone().requires_grad_()
    loss = MaskedRegressionLoss(norm=norm, loss_weight=1.0)
    value = loss(prediction, TARGET, torch.zeros_like(WEIGHT))
    value.backward()
    assert value.item() == 0
    assert torch.equal(prediction.grad, torch.zeros_like(prediction))


def test_two_processes_weigh_pixels_alike(monkeypatch):
    loss = MaskedRegressionLoss(norm='l1', loss_weight=2.0)
    weight = WEIGHT.clone()
    weight[0] *= 3
    whole = loss(PREDICTION, TARGET, weight)
    mean = weight.sum() * PREDICTION.shape[1] / 2
    monkeypatch.setattr(
        'segda_mm.models.losses.masked_regression_loss.all_reduce',
        lambda total, op: total.fill_(mean) if op == 'mean' else None,
    )
    halves = [
        loss(PREDICTION[[i]], TARGET[[i]], weight[[i]]) for i in range(len(PREDICTION))
    ]
    assert sum(halves).item() / 2 == pytest.approx(whole.item())


def test_unknown_norm():
    with pytest.raises(ValueError, match="'huber'"):
        MaskedRegressionLoss(norm='huber', loss_weight=1.0)
