import pytest
import torch
from mmengine.config import Config

from segda_mm.apis.mixed_precision import enable_mixed_precision
from segda_mm.errors import PreflightError

SGD = dict(type='SGD', lr=0.1)
ON_CPU = 'GradientAveragingBFloat16OptimWrapper'
ON_CUDA = 'GradientAveragingAmpOptimWrapper'


@pytest.mark.parametrize('cuda, expected', [(False, ON_CPU), (True, ON_CUDA)])
def test_every_member_is_switched(monkeypatch, cuda, expected):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: cuda)
    cfg = Config(
        dict(
            optim_wrapper=dict(
                constructor='ChildOptimWrapperConstructor',
                generator=dict(type='GradientAveragingOptimWrapper', optimizer=SGD),
                discriminator=dict(type='OptimWrapper', optimizer=SGD),
            )
        )
    )
    enable_mixed_precision(cfg)
    wrapper = cfg.optim_wrapper
    assert wrapper.constructor == 'ChildOptimWrapperConstructor'
    assert wrapper.generator == dict(type=expected, optimizer=SGD)
    assert wrapper.discriminator == dict(type=expected, optimizer=SGD)


def test_a_single_wrapper_is_switched(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    wrapper = dict(optimizer=SGD, clip_grad=dict(max_norm=1), type='OptimWrapper')
    cfg = Config(dict(optim_wrapper=wrapper))
    enable_mixed_precision(cfg)
    assert cfg.optim_wrapper == dict(
        type=ON_CPU, optimizer=SGD, clip_grad=dict(max_norm=1)
    )


def test_a_wrapper_without_a_twin_is_named():
    wrappers = dict(g=dict(type='ApexOptimWrapper', optimizer=SGD))
    cfg = Config(dict(optim_wrapper=wrappers))
    with pytest.raises(PreflightError, match=r'optim_wrapper\.g\.type=ApexOptim'):
        enable_mixed_precision(cfg)
