import math
from functools import partial

import pytest
import torch
from mmseg.models.losses import CrossEntropyLoss

from segda_mm.models.losses import HardPixelCrossEntropy, PixelCrossEntropyLoss


def both(seed, layout, options, **arguments):
    """Loss and gradient of ours and of mmseg's."""
    torch.manual_seed(seed)
    logits = torch.randn(2, 5, 6, 7).to(memory_format=layout)
    labels = torch.randint(0, 5, (2, 6, 7))
    labels[torch.rand(labels.shape) < 0.3] = 255
    results = []
    for loss in (
        PixelCrossEntropyLoss(**options),
        CrossEntropyLoss(avg_non_ignore=True, **options),
    ):
        given = logits.clone().requires_grad_(True)
        value = loss(given, labels, ignore_index=255, **arguments)
        value.sum().backward()
        results.append((value.detach(), given.grad))
    return results


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(
    'options, arguments',
    [
        ({}, {}),
        (dict(loss_weight=0.4), {}),
        ({}, dict(weight=torch.linspace(0, 1, 84).view(2, 6, 7))),
        ({}, dict(reduction_override='none')),
        ({}, dict(avg_factor=torch.tensor(17.0))),
        (dict(reduction='sum'), {}),
    ],
)
def test_options_equal_mmseg(options, arguments, layout):
    torch.testing.assert_close(*both(0, layout, options, **arguments))


def test_class_weights_equal_pytorch():
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 4, 4))
    labels[0, :2] = 255
    weights = [1.0, 2.0, 0.5]
    loss = PixelCrossEntropyLoss(class_weight=weights)
    expected = torch.nn.functional.cross_entropy(
        logits, labels, torch.tensor(weights), ignore_index=255
    )
    torch.testing.assert_close(loss(logits, labels, ignore_index=255), expected)


def logits_of(probabilities):
    """Two classes; the probability of class 0 of each pixel, (N, H, W)."""
    p = torch.tensor(probabilities, dtype=torch.float64)
    return torch.stack([p, 1 - p], dim=1).log().requires_grad_()


# -log p of the label (0 everywhere): 0.69, 0.22, 1.39, 0.11 and 2.30, 0.92, 0.51, 0.36
PROBABILITIES = [[[0.5, 0.8], [0.25, 0.9]], [[0.1, 0.4], [0.6, 0.7]]]
LABELS = torch.zeros(2, 2, 2, dtype=torch.int64)


@pytest.mark.parametrize(
    ('fraction', 'labelled', 'hardest', 'divisors'),
    [
        (0.5, 8, ([0.25, 0.5], [0.1, 0.4]), (4, 4)),
        # A share of less than a pixel is one pixel.
        (0.01, 8, ([0.25], [0.1]), (2, 2)),
        # Void takes part in the share only: one pixel is left of the first image,
        # although two are asked for.
        (0.5, 5, ([0.5], [0.1, 0.4]), (2, 4)),
    ],
)
def test_hard_pixels_by_hand(fraction, labelled, hardest, divisors):
    labels = LABELS.clone()
    labels[0].view(-1)[labelled - 4 :] = 255
    loss = HardPixelCrossEntropy(hard_fraction=fraction, loss_weight=3.0)
    expected = sum(
        -sum(map(math.log, image)) / divisor
        for image, divisor in zip(hardest, divisors)
    )
    value = loss(logits_of(PROBABILITIES), labels).item()
    assert value == pytest.approx(3 * expected)


def test_weights_decide_what_is_hard():
    weight = torch.ones(2, 2, 2)
    weight[0, 0, 1] = 8  # 8 * 0.22 exceeds 1.39
    loss = HardPixelCrossEntropy(hard_fraction=0.25, loss_weight=1.0)
    value = loss(logits_of(PROBABILITIES), LABELS, weight)
    assert value.item() == pytest.approx(-(8 * math.log(0.8) + math.log(0.1)) / 2)


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


def test_share_out_of_range():
    with pytest.raises(ValueError, match='hard_fraction'):
        HardPixelCrossEntropy(hard_fraction=20, loss_weight=1.0)
