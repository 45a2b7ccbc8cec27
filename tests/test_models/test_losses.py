import math
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmseg.models.losses import CrossEntropyLoss
from torch.distributions import Categorical

from segda_mm.models.losses import (
    EntropyLoss,
    HardPixelCrossEntropy,
    MaskedRegressionLoss,
    MaximumSquaresLoss,
    PixelCrossEntropyLoss,
)

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def value_and_gradient(loss, logits):
    given = logits.clone().requires_grad_(True)
    value = loss(given)
    value.sum().backward()
    return value.detach(), given.grad


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize(
    'options, arguments',
    [
        (dict(loss_weight=0.4), {}),
        ({}, dict(weight=torch.linspace(0, 1, 84).view(2, 6, 7))),
        ({}, dict(reduction_override='none')),
        ({}, dict(avg_factor=torch.tensor(17.0))),
        (dict(reduction='sum'), {}),
    ],
)
def test_options_equal_mmseg(options, arguments, layout):
    torch.manual_seed(0)
    logits = torch.randn(2, 5, 6, 7).to(memory_format=layout)
    labels = torch.randint(0, 5, (2, 6, 7))
    labels[torch.rand(labels.shape) < 0.3] = 255
    ours, theirs = (
        value_and_gradient(
            partial(loss, label=labels, ignore_index=255, **arguments), logits
        )
        for loss in (
            PixelCrossEntropyLoss(**options),
            CrossEntropyLoss(avg_non_ignore=True, **options),
        )
    )
    torch.testing.assert_close(ours, theirs)


def test_class_weights_equal_pytorch():
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 4, 4))
    labels[0, :2] = 255
    weights = [1.0, 2.0, 0.5]
    loss = PixelCrossEntropyLoss(class_weight=weights)
    expected = F.cross_entropy(logits, labels, torch.tensor(weights), ignore_index=255)
    torch.testing.assert_close(loss(logits, labels, ignore_index=255), expected)


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize(
    'options, arguments',
    [
        (dict(loss_weight=0.4), {}),
        ({}, dict(weight=torch.linspace(0, 1, 260).view(2, 10, 13))),
        (dict(class_weight=[1.0, 2.0, 0.5, 0.0, 3.0]), {}),
        ({}, dict(avg_factor=torch.tensor(17.0))),
        ({}, dict(reduction_override='none')),
        (dict(use_sigmoid=True), {}),
    ],
)
def test_small_logits_are_upsampled(options, arguments, align_corners, layout):
    torch.manual_seed(0)
    logits = torch.randn(2, 5, 4, 6, dtype=torch.float64).to(memory_format=layout)
    labels = torch.randint(0, 5, (2, 10, 13))
    labels[torch.rand(labels.shape) < 0.3] = 255
    loss = PixelCrossEntropyLoss(**options)
    compare = partial(loss, label=labels, ignore_index=255, **arguments)

    def at_full_size(logits):
        return compare(
            F.interpolate(
                logits, (10, 13), mode='bilinear', align_corners=align_corners
            )
        )

    ours = value_and_gradient(partial(compare, align_corners=align_corners), logits)
    theirs = value_and_gradient(at_full_size, logits)
    # mmseg divides by a number of pixels in float32.
    torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-10)


def logits_of(probabilities):
    """Two classes; the probability of class 0 of each pixel, (N, H, W)."""
    p = torch.tensor(probabilities, dtype=torch.float64)
    return torch.stack([p, 1 - p], dim=1).log().requires_grad_()


# -log p of the label (0 everywhere): 0.69, 0.22, 1.39, 0.11 and 2.30, 0.92, 0.51, 0.36
PROBABILITIES = [[[0.5, 0.8], [0.25, 0.9]], [[0.1, 0.4], [0.6, 0.7]]]
LABELS = torch.zeros(2, 2, 2, dtype=torch.int64)


WEIGHTS = torch.ones(2, 2, 2)
WEIGHTS[0, 0, 1] = 8  # 8 * 0.22 exceeds 1.39


@pytest.mark.parametrize(
    ('fraction', 'labelled', 'weight', 'expected'),
    [
        (0.5, 8, None, -math.log(0.25 * 0.5 * 0.1 * 0.4) / 4),
        # A share of less than a pixel is one pixel.
        (0.01, 8, None, -math.log(0.25 * 0.1) / 2),
        # Void takes part in the share only: one pixel is left of the first image,
        # although two are asked for.
        (0.5, 5, None, -math.log(0.5) / 2 - math.log(0.1 * 0.4) / 4),
        (0.25, 8, WEIGHTS, -(8 * math.log(0.8) + math.log(0.1)) / 2),
    ],
)
def test_hard_pixels_by_hand(fraction, labelled, weight, expected):
    labels = LABELS.clone()
    labels[0].view(-1)[labelled - 4 :] = 255
    loss = HardPixelCrossEntropy(hard_fraction=fraction, loss_weight=3.0)
    value = loss(logits_of(PROBABILITIES), labels, weight).item()
    assert value == pytest.approx(3 * expected)


@pytest.mark.parametrize(
    'loss',
    [
        HardPixelCrossEntropy(hard_fraction=0.5, loss_weight=1.0),
        partial(PixelCrossEntropyLoss(), ignore_index=255),
    ],
)
def test_nothing_but_void(loss):
    logits = logits_of(PROBABILITIES)
    value = loss(logits, torch.full_like(LABELS, 255))
    value.backward()
    assert value.item() == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


@pytest.mark.parametrize(
    ('loss', 'expected'),
    [
        # 3/2 bits, and log2(3) bits, which is the most of three classes.
        (EntropyLoss(0.5), (1.5 / math.log2(3) + 1) / 2),
        # 1/4 + 1/16 + 1/16 and 1/3; half of their mean.
        (MaximumSquaresLoss(0.5), -(3 / 8 + 1 / 3) / 4),
    ],
)
def test_certainty_of_two_pixels_by_hand(loss, expected):
    probs = torch.tensor([[0.5, 0.25, 0.25], [1 / 3, 1 / 3, 1 / 3]])
    logits = (probs.log() + 7).t()[None, :, None]
    assert loss(logits).item() == pytest.approx(0.5 * expected, rel=1e-5)


@pytest.mark.parametrize('layout', LAYOUTS)
def test_entropy_is_that_of_the_distribution(layout):
    torch.manual_seed(0)
    logits = (3 * torch.randn(2, 5, 6, 7)).to(memory_format=layout)

    def reference(given):
        entropy = Categorical(logits=given.permute(0, 2, 3, 1)).entropy()
        return 0.3 * entropy.mean() / math.log(5)

    got = value_and_gradient(EntropyLoss(loss_weight=0.3), logits)
    torch.testing.assert_close(got, value_and_gradient(reference, logits))
    assert got[1].any()


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('ratio', [None, 0, 0.2])
def test_gradient_of_squares_by_formula(ratio, layout):
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
    [(EntropyLoss(1.0), 0), (MaximumSquaresLoss(1.0, 0.2), -0.5)],
)
def test_few_bits_and_certain_pixels_are_safe(loss, expected, dtype):
    # 400 x 400 pixels: their number is beyond float16.
    logits = torch.zeros(1, 2, 400, 400, dtype=dtype)
    logits[:, 0] = 60
    value, gradient = value_and_gradient(loss, logits)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(expected)
    assert gradient.isfinite().all()


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
def test_mean_over_channels_and_weighted_pixels(norm, expected):
    loss = MaskedRegressionLoss(norm=norm, loss_weight=2.0)
    for sign in (1, -1):
        value = loss(sign * PREDICTION, TARGET, WEIGHT)
        assert value.item() == pytest.approx(2 * expected)
    prediction = PREDICTION.clone().requires_grad_()
    value = loss(prediction, TARGET, torch.zeros_like(WEIGHT))
    value.backward()
    assert value.item() == 0 and not prediction.grad.any()


def test_two_processes_weigh_pixels_alike(monkeypatch):
    loss = MaskedRegressionLoss(norm='l1', loss_weight=2.0)
    weight = WEIGHT.clone()
    weight[0] *= 3
    whole = loss(PREDICTION, TARGET, weight)
    mean = weight.sum() * PREDICTION.shape[1] / 2
    monkeypatch.setattr(
        'segda_mm.models.losses.all_reduce',
        lambda total, op: total.fill_(mean) if op == 'mean' else None,
    )
    halves = [loss(PREDICTION[[i]], TARGET[[i]], weight[[i]]) for i in range(2)]
    assert sum(halves).item() / 2 == pytest.approx(whole.item())


def test_settings_out_of_range():
    with pytest.raises(ValueError, match=r'\[0, 1\] or be None, not 1.5'):
        MaximumSquaresLoss(1.0, image_wise_weighting_ratio=1.5)
    with pytest.raises(ValueError, match='hard_fraction'):
        HardPixelCrossEntropy(hard_fraction=20, loss_weight=1.0)
    with pytest.raises(ValueError, match="'huber'"):
        MaskedRegressionLoss(norm='huber', loss_weight=1.0)
