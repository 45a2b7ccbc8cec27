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
