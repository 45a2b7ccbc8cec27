"""Counts and costs against the published ones."""

import pytest
from mmengine.registry import init_default_scope

from studies.networks import NETWORKS, counts, discriminator_costs


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


@pytest.mark.parametrize('name', NETWORKS)
def test_counts_of_tables_8_and_11(name):
    network, figures = NETWORKS[name], counts(NETWORKS[name])
    gap = network.multiply_adds - figures['multiply_adds']
    if name.startswith('panoptic'):
        assert figures['parameters'] == pytest.approx(network.parameters, abs=0.02)
        # What is missing is nearly the same for all networks: layers that the
        # published figures include besides the convolutions.
        assert 1.3 < gap < 1.5
        assert figures['native_multiply_adds'] < figures['multiply_adds']
    else:
        assert figures['parameters'] == pytest.approx(network.parameters, abs=0.5)
        assert gap == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize(
    ('name', 'parameters', 'gflops', 'channels'),
    [
        ('FCDiscriminator', 2_781_121, 30.89, [(64, 1), (128, 2), (256, 3), (512, 4)]),
        ('DSCDiscriminator', 189_424, 2.147, None),
    ],
)
def test_costs_of_table_2(name, parameters, gflops, channels):
    # All maps of the network shrink with the input: an 8th of both sides, a 64th of
    # the work.
    costs = discriminator_costs(name, size=(64, 128), repeats=1)
    assert costs['parameters'] == parameters
    assert 64 * costs['gflops'] == pytest.approx(gflops, abs=64 * 0.0005)
    assert costs['forward_ms'] > 0 and costs['training_ms'] > 0
    if channels:
        # Inputs of the convolutions, and of the activations after them.
        maps = 19 * 64 * 128 + sum(
            count * (64 >> level) * (128 >> level) for count, level in channels
        )
        assert costs['saved_mib'] == pytest.approx(4 * maps / 2**20, abs=0.006)
