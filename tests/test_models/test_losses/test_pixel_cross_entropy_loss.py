import pytest
import torch
from mmseg.models.losses import CrossEntropyLoss

from segda_mm.models.losses import PixelCrossEntropyLoss


def both(seed, layout=torch.channels_last, options=None, **arguments):
    """Loss and gradient of ours and of mmseg's."""
    torch.manual_seed(seed)
    logits = torch.randn(2, 5, 6, 7).to(memory_format=layout)
    labels = torch.randint(0, 5, (2, 6, 7))
    labels[torch.rand(labels.shape) < 0.3] = 255
    results = []
    for loss in (
        PixelCrossEntropyLoss(**(options or {})),
        CrossEntropyLoss(avg_non_ignore=True, **(options or {})),
    ):
        given = logits.clone().requires_grad_(True)
        value = loss(given, labels, ignore_index=255, **arguments)
        value.sum().backward()
        results.append((value.detach(), given.grad))
    return results


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('seed', range(10))
def test_equals_mmseg(seed, layout):
    torch.testing.assert_close(*both(seed, layout))


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
def test_options_equal_mmseg(options, arguments):
    torch.testing.assert_close(*both(0, options=options, **arguments))


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


def test_void_costs_nothing():
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    labels = torch.full((1, 4, 4), 255)
    loss = PixelCrossEntropyLoss()(logits, labels, ignore_index=255)
    loss.backward()
    assert loss == 0 and not logits.grad.any()
