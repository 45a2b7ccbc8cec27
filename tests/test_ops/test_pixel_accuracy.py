import pytest
import torch
from mmseg.models.losses import accuracy

from segda_mm.ops.pixel_accuracy import pixel_accuracy


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('seed', range(10))
def test_equals_mmseg(seed, layout):
    torch.manual_seed(seed)
    logits = torch.randn(2, 5, 6, 7).to(memory_format=layout)
    labels = torch.randint(0, 5, (2, 6, 7))
    labels[torch.rand(labels.shape) < 0.3] = 255
    expected = accuracy(logits, labels, ignore_index=255)
    torch.testing.assert_close(pixel_accuracy(logits, labels, 255), expected)


def test_by_hand():
    logits = torch.tensor([[2.0, 1.0, 0.0, 3.0], [1.0, 2.0, 1.0, 0.0]])[None]
    labels = torch.tensor([[0, 0, 255, 0]])
    # Pixels 0 and 3 of the three that count.
    assert pixel_accuracy(logits, labels, 255).item() == pytest.approx(200 / 3)
    assert pixel_accuracy(logits, labels.clamp(max=1), None).item() == 75


def test_nothing_counts():
    labels = torch.full((1, 2, 2), 255)
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    result = pixel_accuracy(logits, labels, 255)
    assert result == accuracy(logits, labels, ignore_index=255)
    assert not result.requires_grad
