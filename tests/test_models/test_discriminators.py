"""Published parameters and costs are in the tests of studies/networks.py."""

import pytest
import torch

from segda_mm.models import DSCDiscriminator, FCDiscriminator


@pytest.mark.parametrize('discriminator', [FCDiscriminator, DSCDiscriminator])
def test_output_has_the_scale_of_the_input(discriminator):
    network = discriminator(num_classes=5)
    probs = torch.rand(2, 5, 64, 96).softmax(1)
    assert network(probs).shape == (2, 1, 64, 96)
    # 5 halvings: the upsampled map is constant where it was one value.
    small = network(probs[..., :32, :32])
    assert small.shape == (2, 1, 32, 32)
    assert (small.amax((2, 3)) - small.amin((2, 3))).abs().max() < 1e-6


@pytest.mark.parametrize('kind', [FCDiscriminator, DSCDiscriminator])
@pytest.mark.parametrize(
    'shape, message',
    [
        ((1, 3, 64, 64), 'num_classes of .* is 4, but .* 3 classes.*num_classes=3'),
        ((1, 4, 31, 64), 'patches of 32 pixels, but gets images of 64x31'),
    ],
)
def test_maps_that_it_cannot_judge_are_named(kind, shape, message):
    with pytest.raises(ValueError, match=message):
        kind(num_classes=4)(torch.zeros(shape))
