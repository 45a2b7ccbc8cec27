"""Counts and costs against the published ones."""

import pytest
from mmengine.registry import init_default_scope

from studies.networks import NETWORKS, counts, discriminator_costs


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def test_counts_of_table_8():
    network = NETWORKS['panoptic-wr41']
    figures = counts(network)
    assert round(figures['parameters'], 2) == network.parameters
    assert figures['multiply_adds'] == pytest.approx(network.multiply_adds, rel=1e-3)
    assert figures['native_multiply_adds'] < figures['multiply_adds']


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
