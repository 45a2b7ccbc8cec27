import pytest
import torch

from segda_mm.ops.class_probabilities import class_probabilities


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_is_the_softmax_in_its_own_layout(layout):
    torch.manual_seed(0)
    plain = torch.randn(2, 5, 4, 6, requires_grad=True)
    logits = plain.detach().contiguous(memory_format=layout).requires_grad_(True)
    expected, ours = plain.softmax(1), class_probabilities(logits)
    torch.testing.assert_close(ours, expected)
    assert ours.is_contiguous(memory_format=layout)
    downstream = torch.randn(2, 5, 4, 6)
    expected.backward(downstream)
    ours.backward(downstream)
    torch.testing.assert_close(logits.grad, plain.grad)
