"""One optimizer a child, and which configs have none or too many."""

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from segda_mm.engine import GradientAveragingOptimWrapper, PassThroughDistributed


class TwoNetworks(nn.Module):
    def __init__(self):
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        self.discriminator = nn.Linear(2, 1)
        self.data_preprocessor = nn.Identity()


def _build(model=None, **children):
    return build_optim_wrapper(
        model or TwoNetworks(),
        dict(
            constructor='mmseg.ChildOptimWrapperConstructor',
            generator=dict(
                type='mmseg.GradientAveragingOptimWrapper',
                optimizer=dict(type='SGD', lr=0.1),
            ),
            **children,
        ),
    )


DISCRIMINATOR = dict(optimizer=dict(type='Adam', lr=0.01))


@pytest.mark.parametrize('wrap', [lambda m: m, PassThroughDistributed])
def test_every_child_has_its_own_optimizer(wrap):
    model = TwoNetworks()
    wrappers = _build(wrap(model), discriminator=DISCRIMINATOR)
    generator, discriminator = wrappers['generator'], wrappers['discriminator']
    assert isinstance(generator, GradientAveragingOptimWrapper)
    assert isinstance(generator.optimizer, torch.optim.SGD)
    assert isinstance(discriminator.optimizer, torch.optim.Adam)
    assert {id(p) for p in model.generator.parameters()} == {
        id(p) for group in generator.param_groups for p in group['params']
    }
    assert wrappers.get_lr() == {'generator.lr': [0.1], 'discriminator.lr': [0.01]}


def test_paramwise_settings_belong_to_a_child():
    child = dict(DISCRIMINATOR, paramwise_cfg=dict(bias_lr_mult=2.0))
    groups = _build(discriminator=child)['discriminator'].optimizer.param_groups
    assert [group['lr'] for group in groups] == [0.01, 0.02]


@pytest.mark.parametrize(
    'children, error, message',
    [
        (
            dict(),
            ValueError,
            'no optimizer for discriminator of TwoNetworks: add '
            r'optim_wrapper\.discriminator',
        ),
        (
            dict(discriminator=DISCRIMINATOR, critic=DISCRIMINATOR),
            ValueError,
            r'optim_wrapper\.critic: critic is no child network of TwoNetworks; '
            'those to train are generator, discriminator',
        ),
        (
            dict(discriminator=DISCRIMINATOR, data_preprocessor=DISCRIMINATOR),
            ValueError,
            'data_preprocessor has no parameter',
        ),
        (
            dict(discriminator=dict(type='Adam')),
            TypeError,
            r'optim_wrapper\.discriminator must be a dict with the key `optimizer`',
        ),
        (
            dict(discriminator=DISCRIMINATOR, paramwise_cfg=dict(bias_lr_mult=2.0)),
            ValueError,
            'move it to',
        ),
    ],
)
def test_wrong_configs_are_named(children, error, message):
    with pytest.raises(error, match=message):
        _build(**children)


def test_a_frozen_child_needs_no_optimizer():
    model = TwoNetworks()
    model.discriminator.requires_grad_(False)
    assert list(_build(model).keys()) == ['generator']


def test_a_parameter_of_the_model_itself_is_not_forgotten():
    model = TwoNetworks()
    model.temperature = nn.Parameter(torch.ones(()))
    with pytest.raises(ValueError, match='no optimizer for temperature'):
        _build(model, discriminator=DISCRIMINATOR)
