"""Mixed precision, and gradients that processes have or lack."""

import pytest
import torch
from torch import nn

from segda_mm.engine.optimizers import (
    GradientAveragingBFloat16OptimWrapper,
    GradientAveragingOptimWrapper,
    gradient_averaging,
)


def test_bfloat16_forward_and_float32_update():
    layer = nn.Linear(2, 1, bias=False)
    nn.init.ones_(layer.weight)
    wrapper = GradientAveragingBFloat16OptimWrapper(
        optimizer=torch.optim.SGD(layer.parameters(), lr=1.0)
    )
    with wrapper.optim_context(layer):
        output = layer(torch.tensor([[0.25, 0.5]]))
    assert output.dtype == torch.bfloat16
    wrapper.update_params(output.float().sum())
    # The gradient of a sum is the input, which bfloat16 holds exactly.
    assert layer.weight.dtype == torch.float32
    assert layer.weight.tolist() == [[0.75, 0.5]]


@pytest.fixture
def played(monkeypatch):
    """Parameters of this process; the other one is played, and has b's and c's."""
    a, b, c, d = (nn.Parameter(torch.zeros(2)) for _ in range(4))
    a.grad, b.grad = torch.tensor([2.0, 4.0]), torch.tensor([1.0, 1.0])

    def all_reduce(present, op):
        assert op == 'max'
        present.copy_(torch.maximum(present, torch.tensor([0, 1, 1, 0])))

    def all_reduce_params(gradients, op):
        assert op == 'mean'
        for gradient, other in zip(gradients, [[0, 0], [3, 5], [8, 6]]):
            gradient.add_(torch.tensor(other)).div_(2)

    monkeypatch.setattr(gradient_averaging, 'get_world_size', lambda: 2)
    monkeypatch.setattr(gradient_averaging, 'all_reduce', all_reduce)
    monkeypatch.setattr(gradient_averaging, 'all_reduce_params', all_reduce_params)
    return a, b, c, d


def test_gradients_that_only_one_process_has(played):
    gradient_averaging.average_gradients(torch.optim.SGD(played, lr=1.0))
    assert [p.grad if p.grad is None else p.grad.tolist() for p in played] == [
        [1, 2],
        [2, 3],
        [4, 3],
        None,
    ]


@pytest.mark.parametrize('under_ddp', [False, True])
def test_what_ddp_has_averaged_is_not_averaged_again(played, under_ddp):
    network = nn.Module()
    if under_ddp:
        network.no_sync = lambda: None
    wrapper = GradientAveragingOptimWrapper(torch.optim.SGD(played, lr=1.0))
    with wrapper.optim_context(network):
        pass
    wrapper.step()
    assert played[0].tolist() == ([-2, -4] if under_ddp else [-1, -2])
