"""Losses and weights that are no numbers any more."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmseg.structures import SegDataSample
from torch import nn

from segda_mm.engine.hooks import FiniteLossHook, finite_loss_hook
from segda_mm.errors import NonFiniteLossError


def guarded(**options):
    """A hook, its runner and a weight of 1 whose optimizer it guards."""
    model = nn.Module()
    model.weight = nn.Parameter(torch.ones(()))
    wrapper = OptimWrapper(torch.optim.SGD([model.weight], lr=0.5), **options)
    runner = SimpleNamespace(
        optim_wrapper=OptimWrapperDict(generator=wrapper),
        model=model,
        iter=4,
        epoch=1,
        work_dir='nowhere',
    )
    hook = FiniteLossHook()
    hook.before_train(runner)
    return hook, runner, wrapper, model.weight


@pytest.mark.parametrize('value', [float('nan'), -float('inf')])
def test_no_step_on_a_loss_that_is_not_finite(value):
    hook, runner, wrapper, weight = guarded()
    wrapper.update_params(weight * value)
    assert weight.item() == 1
    day, dusk = (
        dict(data_samples=[SegDataSample(metainfo=dict(img_path=path))])
        for path in ('day/a.png', 'dusk/b.png')
    )
    outputs = {
        'decode.loss_ce': torch.tensor(value),
        'aux.loss_ce': torch.tensor(1.0),
        'pseudo.kept_ratio': float('nan'),
    }
    with pytest.raises(NonFiniteLossError) as caught:
        hook.after_train_iter(runner, 0, dict(source=day, target=dusk), outputs)
    message = str(caught.value)
    assert 'iteration 5 (epoch 2)' in message
    assert f'terms: decode.loss_ce = {value}\n' in message
    assert 'day/a.png\n' in message and 'dusk/b.png\n' in message
    assert 'aux.loss_ce' not in message and 'kept_ratio' not in message


def test_gradients_that_wait_for_others_are_not_stepped_either():
    hook, runner, wrapper, weight = guarded(accumulative_counts=2)
    wrapper.update_params(weight * float('nan'))
    with pytest.raises(NonFiniteLossError):
        hook.after_train_iter(runner, 0, None, {})
    wrapper.update_params(weight * 1)
    assert weight.item() == 1


def test_a_loss_of_another_process_counts(monkeypatch):
    asked = []

    def all_reduce(flag, op):
        asked.append((flag.item(), op))
        flag.fill_(1)

    monkeypatch.setattr(finite_loss_hook, 'all_reduce', all_reduce)
    _, _, wrapper, weight = guarded()
    wrapper.update_params(weight * 3)
    assert asked == [(0, 'max')]
    assert weight.item() == 1


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    hook, runner, wrapper, weight = guarded()
    wrapper.update_params(weight * 3)
    hook.after_train_iter(runner, 0, None, dict(loss=3.0))
    assert weight.item() == 1 - 0.5 * 3
    runner.work_dir = tmp_path
    (tmp_path / 'iter_2.pth').touch()
    runner.model.register_buffer('limit', torch.tensor(float('inf')))
    hook.before_save_checkpoint(runner, {})
    weight.data.fill_(float('nan'))
    with pytest.raises(NonFiniteLossError, match=r'first weight.*is .*/iter_2\.pth'):
        hook.before_save_checkpoint(runner, {})
