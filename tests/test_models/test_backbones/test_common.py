import copy

import pytest
import torch

from segda_mm.models import WideResNet38, WideResNet41, Xception71
from segda_mm.registry import MODELS

SLIM = dict(width_multiplier=1 / 16, output_stride=16)
IMAGE = (2, 3, 33, 33)


@pytest.mark.parametrize('output_stride', [16, 32])
@pytest.mark.parametrize(
    ('network', 'channels'),
    [
        ('WideResNet38', (16, 32, 256)),
        ('WideResNet41', (16, 32, 128)),
        ('Xception71', (16, 48, 128)),
    ],
)
def test_maps_have_their_strides_and_channels(network, channels, output_stride):
    side = 33
    settings = dict(width_multiplier=1 / 16, output_stride=output_stride)
    backbone = MODELS.build(dict(type=network, **settings)).eval()
    assert backbone.feature_channels == channels
    maps = backbone(torch.randn(1, 3, side, 2 * side - 1))
    for feature, stride, width in zip(maps, (4, 8, output_stride), channels):
        size = (side - 1) // stride + 1, (2 * side - 2) // stride + 1
        assert feature.shape == (1, width, *size)
    last = MODELS.build(dict(type=network, out_indices=(2,), **settings))
    assert last.feature_channels == channels[2:]


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(output_stride=8), 'output_stride'),
        (dict(drop_path_survival=0.0), 'drop_path_survival'),
        (dict(multi_grid=(1, 2)), 'multi_grid takes 3'),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with torch.device('meta'), pytest.raises(ValueError, match=message):
        WideResNet41(**{**SLIM, **settings})


def step(backbone, seed=3):
    torch.manual_seed(seed)
    maps = backbone(torch.randn(IMAGE))
    sum((feature * torch.randn_like(feature)).sum() for feature in maps).backward()
    return maps


@pytest.mark.parametrize(
    ('network', 'settings'),
    [
        (WideResNet38, dict(drop_path_survival=0.5, multi_grid=(1, 2))),
        (WideResNet41, dict(drop_path_survival=0.5, multi_grid=(1, 2, 4))),
        (Xception71, dict(middle_modules=1)),
    ],
)
def test_a_step_is_bit_for_bit_the_ordinary_one(network, settings):
    torch.manual_seed(0)
    ordinary = network(**SLIM, **settings)
    recomputing = copy.deepcopy(ordinary)
    recomputing.with_checkpoint = True
    for expected, actual in zip(step(ordinary), step(recomputing)):
        assert torch.equal(expected, actual)
    for (name, expected), actual in zip(
        ordinary.named_parameters(), recomputing.parameters()
    ):
        assert torch.equal(expected.grad, actual.grad), name
    # Running statistics and the number of batches among them.
    assert len(list(ordinary.buffers())) > 100
    for (name, expected), actual in zip(
        ordinary.named_buffers(), recomputing.buffers()
    ):
        assert torch.equal(expected, actual), name


def test_less_is_kept_for_the_backward_pass():
    def kept(with_checkpoint):
        sizes = {}

        def pack(tensor):
            sizes[tensor.untyped_storage().data_ptr()] = tensor.nbytes
            return tensor

        backbone = WideResNet41(with_checkpoint=with_checkpoint, **SLIM)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            maps = backbone(torch.randn(IMAGE))
        weights = {p.untyped_storage().data_ptr() for p in backbone.parameters()}
        del maps
        return sum(size for key, size in sizes.items() if key not in weights)

    assert kept(True) < kept(False) / 3
