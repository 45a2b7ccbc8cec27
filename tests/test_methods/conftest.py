import itertools

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.registry import init_default_scope

from segda_mm.methods import (
    BiSeNetDA,
    DAFormer,
    HeavyDAFormer,
    HeavyTeacher,
    MeanTeacher,
    MetaPseudoLabels,
    SourceFree,
)
from segda_mm.registry import MODELS
from segda_mm.testing import tiny_bisenet, tiny_method, tiny_optim_wrapper

METHODS = {
    'adversarial': BiSeNetDA,
    'mean teacher': MeanTeacher,
    'daformer': DAFormer,
    'heavy teacher': HeavyTeacher,
    'heavy daformer': HeavyDAFormer,
    'mpl': MetaPseudoLabels,
    'source free': SourceFree,
}

_names = itertools.count()


@pytest.fixture(autouse=True)
def fresh_run():
    """What a Runner would set up: mmseg's names, and no iteration done yet."""
    init_default_scope('mmseg')
    MessageHub.get_instance(f'test_methods_{next(_names)}')


@pytest.fixture(scope='session')
def make_model():
    """Build a method, or a subclass, by its name, and its optim wrappers."""

    def make(name, segmentor=tiny_bisenet, generator=None, subclass=None, **changes):
        torch.manual_seed(0)
        method = METHODS[name]
        config = tiny_method(method.__name__, segmentor(), generator, **changes)
        config.type = subclass or method
        model = MODELS.build(config)
        if isinstance(model, MeanTeacher):
            model.init_weights()
        trained = [
            key
            for key, child in model.named_children()
            if any(parameter.requires_grad for parameter in child.parameters())
        ]
        return model.train(), tiny_optim_wrapper(model, *trained)

    return make


@pytest.fixture(scope='session')
def without_dropout():
    """Make a tiny BiSeNet that draws no random numbers."""

    def make():
        config = tiny_bisenet()
        for head in (config.decode_head, *config.auxiliary_head):
            head.dropout_ratio = 0
        return config

    return make
