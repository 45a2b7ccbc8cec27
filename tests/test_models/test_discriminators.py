import pytest
import torch

from segda_mm.models import DSCDiscriminator, FCDiscriminator


@pytest.mark.parametrize(
    'discriminator, parameters, gflops, decimals',
    [
        (FCDiscriminator, 2_781_121, 30.89, 2),
        (DSCDiscriminator, 189_424, 2.147, 3),
    ],
)
def test_published_parameters_and_flops(discriminator, parameters, gflops, decimals):
    network = discriminator(num_classes=19)
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert round(2 * multiply_adds(network) / 1e9, decimals) == gflops


def multiply_adds(network):
    """Of one 19 x 1024 x 512 map, as the published figures were counted.

    Every output of a convolution costs its kernel, every output of the
    bilinear upsampling 11; biases and activations cost nothing.
    """
    counts = []
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(
                lambda m, _, output: counts.append(output.numel() * m.weight[0].numel())
            )
        elif isinstance(module, torch.nn.Upsample):
            module.register_forward_hook(
                lambda m, _, output: counts.append(11 * output.numel())
            )
    network.to('meta')(torch.zeros(1, 19, 512, 1024, device='meta'))
    return sum(counts)


@pytest.mark.parametrize('discriminator', [FCDiscriminator, DSCDiscriminator])
def test_output_has_the_scale_of_the_input(discriminator):
    network = discriminator(num_classes=5)
    probs = torch.rand(2, 5, 64, 96).softmax(1)
    assert network(probs).shape == (2, 1, 64, 96)
    # 5 halvings: the upsampled map is constant where it was one value.
    small = network(probs[..., :32, :32])
    assert small.shape == (2, 1, 32, 32)
    assert (small.amax((2, 3)) - small.amin((2, 3))).abs().max() < 1e-6
