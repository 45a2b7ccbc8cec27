"""Faster trainings, and that they compute the same."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmseg.models.decode_heads import decode_head
from mmseg.models.losses import accuracy
from mmseg.registry import MODELS
from torch import nn

from segda_mm.engine.hooks import ChannelsLastHook, HeadAccuracyHook
from segda_mm.engine.optimizers import GradientAveragingOptimWrapper
from segda_mm.models import DomainDataPreprocessor
from segda_mm.testing import segmentation_batch, tiny_bisenet


def train(network, steps, optimizer='SGD', state=None, channels_last=True):
    """Ten seeded steps at most; returns the weights and the optimizer's state."""
    if channels_last:
        ChannelsLastHook().before_run(SimpleNamespace(model=network))
    options = dict(momentum=0.9) if optimizer == 'SGD' else {}
    wrapper = GradientAveragingOptimWrapper(
        getattr(torch.optim, optimizer)(
            network.parameters(), lr=0.01, fused=True, **options
        )
    )
    if state is not None:
        wrapper.load_state_dict(state)
    for step in steps:
        images = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(step))
        wrapper.update_params(network(images).square().mean())
    return copy.deepcopy(network.state_dict()), wrapper.state_dict()


def make_network():
    torch.manual_seed(0)
    # The gradient of a bias under BatchNorm is rounding, which Adam would enlarge.
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3)
    )


@pytest.mark.parametrize('optimizer', ['SGD', 'Adam'])
@pytest.mark.parametrize('before, after', [(False, True), (True, False)])
def test_ten_steps_are_the_same_whatever_layout_momenta_were_saved_in(
    optimizer, before, after
):
    whole, _ = train(make_network(), range(10), optimizer, channels_last=before)
    other, _ = train(make_network(), range(10), optimizer, channels_last=after)
    torch.testing.assert_close(other, whole, rtol=1e-4, atol=1e-5)
    assert other['3.weight'].is_contiguous(memory_format=torch.channels_last) == after
    network = make_network()
    weights, state = train(network, range(5), optimizer, channels_last=before)
    # As weights that are copied into a model of the other layout.
    resumed = make_network()
    resumed.load_state_dict(weights)
    ours, _ = train(
        resumed, range(5, 10), optimizer, copy.deepcopy(state), channels_last=after
    )
    torch.testing.assert_close(ours, whole, rtol=1e-4, atol=1e-5)


def test_other_heads_log_the_same_accuracies():
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 5, 6, 7), torch.randint(5, (2, 6, 7))
    labels[:, 0] = 255
    runner = SimpleNamespace(model=nn.Identity())
    # Of a training that was cut off, which puts nothing back.
    HeadAccuracyHook().before_train(runner)
    hook = HeadAccuracyHook()
    hook.before_train(runner)
    assert decode_head.accuracy is not accuracy
    ours = decode_head.accuracy(logits, labels, ignore_index=255)
    hook.after_train(runner)
    assert decode_head.accuracy is accuracy
    expected = decode_head.accuracy(logits, labels, ignore_index=255)
    torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize('loss', ['PixelCrossEntropyLoss', 'CrossEntropyLoss', 'two'])
def test_heads_compute_the_same_losses(loss):
    torch.manual_seed(0)
    config = tiny_bisenet()
    if loss == 'CrossEntropyLoss':
        config.decode_head.loss_decode = dict(type=loss, avg_non_ignore=True)
    elif loss == 'two':
        config.decode_head.loss_decode = [
            dict(type='PixelCrossEntropyLoss', loss_name=f'loss_{name}')
            for name in ('first', 'first', 'second')
        ]
    model = MODELS.build(config).eval()
    prepare = DomainDataPreprocessor(mean=[128] * 3, std=[64] * 3, size_divisor=1)
    batch = prepare(segmentation_batch(), True)
    expected = model.loss(batch['inputs'], batch['data_samples'])
    hook, runner = HeadAccuracyHook(), SimpleNamespace(model=model)
    hook.before_train(runner)
    twin = copy.deepcopy(model)
    for network in (model, twin):
        found = network.loss(batch['inputs'], batch['data_samples'])
        assert set(found) == set(expected)
        torch.testing.assert_close(found, expected)
    # A copy, as that of an average of the weights, computes its own losses.
    assert twin.decode_head.loss_by_feat.args == (twin.decode_head,)
    hook.after_train(runner)
    assert 'loss_by_feat' not in vars(model.decode_head)
