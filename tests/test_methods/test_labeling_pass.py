import random

import numpy as np
import pytest
import timm.layers
import torch
import torchvision.ops
from mmcv.cnn.bricks import DropPath
from torch import nn

from segda_mm.methods import SegmentorGenerator
from segda_mm.methods.labeling_pass import SharedPass, labeling_pass, random_parts
from segda_mm.methods.modes import batch_statistics
from segda_mm.testing import tiny_bisenet


class Attention(nn.Module):
    """Drops by a function: none of its modules is a dropout."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(32, 2, dropout=0.1, batch_first=True)

    def forward(self, maps):
        tokens = maps.flatten(2).transpose(1, 2)
        tokens, _ = self.attention(tokens, tokens, tokens)
        return tokens.transpose(1, 2).reshape(maps.shape)


class Skip(nn.Module):
    """Leaves itself out by a generator that is not PyTorch's."""

    def __init__(self, draw):
        super().__init__()
        self.draw = draw

    def forward(self, maps):
        return maps * 2 if self.training and self.draw() < 0.5 else maps


class WithExtra(nn.Module):
    """A backbone whose first feature goes through one more module."""

    def __init__(self, backbone, extra):
        super().__init__()
        self.backbone, self.extra = backbone, extra

    def forward(self, inputs):
        first, *others = self.backbone(inputs)
        return self.extra(first), *others


def make_generator(extra=None, dropout_ratio=0):
    torch.manual_seed(0)
    config = tiny_bisenet()
    config.decode_head.dropout_ratio = dropout_ratio
    generator = SegmentorGenerator(config)
    if extra is not None:
        backbone = generator.segmentor.backbone
        generator.segmentor.backbone = WithExtra(backbone, extra)
    return generator, torch.randn(2, 3, 64, 64)


@pytest.mark.parametrize(
    'extra, is_random',
    [
        (torchvision.ops.StochasticDepth(0.1, 'row'), True),
        (timm.layers.DropPath(0.1), True),
        (DropPath(0.1), True),
        (torchvision.ops.StochasticDepth(0.0, 'row'), False),
        (Attention(), True),
        (Skip(random.random), True),
        (Skip(np.random.random), True),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_drops_at_random_is_found_and_does_not_drop_from_labels(extra, is_random):
    generator, inputs = make_generator(extra)
    before = {key: value.clone() for key, value in generator.state_dict().items()}
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1:3]
    assert random_parts(generator, inputs) == (is_random, False)
    for key, value in generator.state_dict().items():
        assert torch.equal(value, before[key]), key
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    np.testing.assert_equal(np.random.get_state()[1:3], states[2])

    labeling, result = SharedPass()(generator, inputs)
    assert (result is None) == is_random
    generator.eval()
    with torch.no_grad(), batch_statistics(generator):
        assert torch.equal(labeling.logits, generator.infer(inputs).logits)


def test_the_shared_pass_reaches_the_weights_in_low_precision():
    """Weights that were cast without a graph must not be taken again."""
    generator, inputs = make_generator()
    with torch.autocast('cpu', torch.bfloat16):
        _, result = SharedPass()(generator, inputs)
    result.logits.float().mean().backward()
    segmentor = generator.segmentor
    for part in (segmentor.backbone, segmentor.decode_head):
        assert next(part.parameters()).grad.isfinite().all()


@pytest.mark.parametrize('of_the_batch', [False, True])
def test_labelling_leaves_no_trace(of_the_batch):
    generator, inputs = make_generator(dropout_ratio=0.5)
    generator.infer(inputs + 3)
    before = {key: value.clone() for key, value in generator.state_dict().items()}
    logits = labeling_pass(generator, inputs, of_the_batch).logits
    for key, value in generator.state_dict().items():
        assert torch.equal(value, before[key]), key
    assert all(module.training for module in generator.modules())
    assert not logits.requires_grad
    for module in generator.modules():
        module.training = of_the_batch and isinstance(module, nn.BatchNorm2d)
    assert torch.equal(logits, generator.infer(inputs).logits)
