"""One optimizer a child, and which configs have none or too many."""

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper
from torch import nn

from segda_mm.engine import GradientAveragingOptimWrapper, PassThroughDistributed

DISCRIMINATOR = dict(
    optimizer=dict(type='Adam', lr=0.01), paramwise_cfg=dict(bias_lr_mult=2.0)
)


class TwoNetworks(BaseModel):
    def __init__(self):
        super().__init__(data_preprocessor=nn.Identity())
        self.generator = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        self.discriminator = nn.Linear(2, 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return self.discriminator(self.generator(inputs))


def _build(model=None, **children):
    generator = dict(
        type='mmseg.GradientAveragingOptimWrapper', optimizer=dict(type='SGD', lr=0.1)
    )
    constructor = 'mmseg.ChildOptimWrapperConstructor'
    return build_optim_wrapper(
        model or TwoNetworks(),
        dict(constructor=constructor, generator=generator, **children),
    )


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
    assert wrappers.get_lr()['generator.lr'] == [0.1]
    rates = [group['lr'] for group in discriminator.optimizer.param_groups]
    assert rates == [0.01, 0.02]


@pytest.mark.parametrize(
    'children, message',
    [
        ({}, 'no optimizer for discriminator of TwoNetworks: add '),
        (
            dict(discriminator=DISCRIMINATOR, critic=DISCRIMINATOR),
            r'optim_wrapper\.critic: critic is no child network of TwoNetworks; '
            'those to train are generator, discriminator',
        ),
        (
            dict(discriminator=DISCRIMINATOR, data_preprocessor=DISCRIMINATOR),
            'data_preprocessor has no parameter',
        ),
        (dict(discriminator=DISCRIMINATOR, paramwise_cfg={}), 'move it to'),
    ],
)
def test_wrong_configs_are_named(children, message):
    with pytest.raises(ValueError, match=message):
        _build(**children)


def test_what_is_frozen_needs_no_optimizer():
    model = TwoNetworks()
    model.discriminator.requires_grad_(False)
    assert list(_build(model).keys()) == ['generator']
    model.temperature = nn.Parameter(torch.ones(()))
    with pytest.raises(ValueError, match='no optimizer for temperature'):
        _build(model)
