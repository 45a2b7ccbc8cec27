"""Losses and weights that are no numbers any more."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmseg.structures import SegDataSample
from torch import nn

from segda_mm.engine.hooks import FiniteLossHook, finite_loss_hook
from segda_mm.engine.runner import find_resumable_checkpoint
from segda_mm.errors import NonFiniteLossError
from segda_mm.registry import DATASETS


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


def test_finite_losses_step_as_ever():
    hook, runner, wrapper, weight = guarded()
    wrapper.update_params(weight * 3)
    hook.after_train_iter(runner, 0, None, dict(loss=3.0))
    assert weight.item() == 1 - 0.5 * 3
    assert weight.grad is None


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
def test_no_step_on_a_loss_that_is_not_finite(value):
    hook, runner, wrapper, weight = guarded()
    wrapper.update_params(weight * value)
    assert weight.item() == 1
    batch = dict(
        source=dict(data_samples=[SegDataSample(metainfo=dict(img_path='day/a.png'))]),
        target=dict(data_samples=[SegDataSample(metainfo=dict(img_path='dusk/b.png'))]),
    )
    outputs = {
        'decode.loss_ce': torch.tensor(value),
        'aux.loss_ce': torch.tensor(1.0),
        'pseudo.kept_ratio': float('nan'),
    }
    with pytest.raises(NonFiniteLossError) as caught:
        hook.after_train_iter(runner, 0, batch, outputs)
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

    monkeypatch.setattr(finite_loss_hook, 'get_world_size', lambda: 2)
    monkeypatch.setattr(finite_loss_hook, 'all_reduce', all_reduce)
    _, _, wrapper, weight = guarded()
    wrapper.update_params(weight * 3)
    assert asked == [(0, 'max')]
    assert weight.item() == 1


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    hook, runner, _, weight = guarded()
    runner.work_dir = tmp_path
    (tmp_path / 'iter_2.pth').touch()
    runner.model.register_buffer('limit', torch.tensor(float('inf')))
    hook.before_save_checkpoint(runner, {})
    weight.data.fill_(float('nan'))
    with pytest.raises(NonFiniteLossError, match=r'first weight.*is .*/iter_2\.pth'):
        hook.before_save_checkpoint(runner, {})


@DATASETS.register_module(force=True)
class ImagesOfWhichOneIsBad:
    """Twelve named images; the ninth is no number."""

    metainfo = dict(classes=('a', 'b'))

    def full_init(self):
        pass

    def __len__(self):
        return 12

    def __getitem__(self, index):
        value = float('nan') if index == 8 else index / 12
        return dict(
            inputs=torch.full((3, 4, 4), value),
            data_samples=SegDataSample(metainfo=dict(img_path=f'images/{index}.png')),
        )


def test_a_training_stops_with_its_last_good_checkpoint(toy, tmp_path):
    with pytest.raises(NonFiniteLossError) as caught:
        toy.train_toy(
            work_dir=tmp_path,
            interval=1,
            train_dataloader=dict(
                dataset=dict(type='ImagesOfWhichOneIsBad'),
                batch_size=2,
                num_workers=0,
                sampler=dict(type='ResumableSampler', shuffle=False),
            ),
            custom_hooks=[dict(type='FiniteLossHook')],
        )
    message = str(caught.value)
    assert 'the loss of iteration 5 (epoch 1) is not finite' in message
    assert 'loss = nan' in message and 'loss_d = nan' in message
    assert 'images:\n  images/8.png\n  images/9.png\n' in message
    assert f'{tmp_path / "iter_4.pth"}; --resume' in message
    latest = find_resumable_checkpoint(str(tmp_path))
    assert latest == str(tmp_path / 'iter_4.pth')
    for weight in torch.load(latest, weights_only=True)['state_dict'].values():
        assert weight.isfinite().all()
