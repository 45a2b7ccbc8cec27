import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.runner import Runner

from segda_mm.engine.image_pass import build_image_loader, undisturbed


def draw():
    return random.random(), np.random.rand(), torch.rand(()).item()


def seed():
    random.seed(1), np.random.seed(1), torch.manual_seed(1)


@pytest.mark.parametrize('error', [None, ZeroDivisionError])
def test_random_numbers_modes_and_gradients_are_as_without_the_pass(error):
    model = torch.nn.Sequential(
        torch.nn.BatchNorm2d(2), torch.nn.Dropout(), torch.nn.BatchNorm2d(2)
    )
    model[2].eval()
    seed()
    expected = draw()
    seed()
    try:
        with undisturbed(model):
            draw()
            # Its iterator draws a seed for the workers, too.
            list(torch.utils.data.DataLoader([1, 2]))
            assert not any(module.training for module in model.modules())
            assert not torch.is_grad_enabled()
            if error:
                raise error
    except ZeroDivisionError:
        pass
    assert draw() == expected
    assert [module.training for module in model.modules()] == [True, True, True, False]
    assert torch.is_grad_enabled()


def test_each_image_once_and_in_order():
    runner = SimpleNamespace(
        build_dataloader=Runner.build_dataloader, seed=0, model=torch.nn.Identity()
    )
    shuffled = dict(type='DefaultSampler', shuffle=True)
    config = dict(dataset=list(range(5)), batch_size=2, num_workers=0, sampler=shuffled)
    loader, first = build_image_loader(runner, config, 'SomeHook')
    assert [image for batch in loader for image in batch] == [0, 1, 2, 3, 4]
    assert first == 0
    assert config['sampler'] is shuffled
