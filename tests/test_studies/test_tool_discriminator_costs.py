import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    'name, parameters, gflops, channels',
    [
        ('FCDiscriminator', 2_781_121, 30.89, [(64, 1), (128, 2), (256, 3), (512, 4)]),
        ('DSCDiscriminator', 189_424, 2.147, None),
    ],
)
def test_costs_equal_the_published_ones(name, parameters, gflops, channels):
    # All maps of the network shrink with the input: an 8th of both sides, a 64th of
    # the work.
    printed = subprocess.run(
        [
            sys.executable,
            'studies/discriminator_costs.py',
            name,
            '--size',
            '64x128',
            '--repeats',
            '1',
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    costs = json.loads(printed.splitlines()[-1])
    assert costs['parameters'] == parameters
    assert 64 * costs['gflops'] == pytest.approx(gflops, abs=64 * 0.0005)
    assert 0 < costs['forward_ms'] < costs['training_ms']
    if channels:
        # Inputs of the convolutions, and of the activations after them.
        maps = 19 * 64 * 128 + sum(
            count * (64 >> level) * (128 >> level) for count, level in channels
        )
        assert costs['saved_mib'] == pytest.approx(4 * maps / 2**20, abs=0.006)
