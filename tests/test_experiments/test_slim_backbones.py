import pytest
import torch

from segda_mm.experiments.slim_backbones import slim_backbones
from segda_mm.models.backbones.wide_resnet import DropPath
from segda_mm.registry import MODELS

# Last map of the whole networks: 4096 and 2048 channels.
CHANNELS = {'WR-38': 512, 'WR-41': 256}


@pytest.mark.parametrize('row', slim_backbones())
def test_a_row_is_what_its_name_says(row):
    options, channels = slim_backbones()[row]
    assert options.pop('_delete_')
    name, *parts = row.split(', ')
    with torch.device('meta'):
        network = MODELS.build(options).eval()
        maps = network(torch.empty(1, 3, 64, 64))
    assert [tuple(part.shape[1:]) for part in maps] == [
        (32, 16, 16),
        (64, 8, 8),
        (channels, 4, 4),
    ]
    assert channels == CHANNELS[name]
    drops = [part for part in network.modules() if isinstance(part, DropPath)]
    assert {part.survival for part in drops} == {0.8 if 'drop path' in parts else 1.0}
    assert (options['multi_grid'] is not None) == ('multi-grid' in parts)


def test_rows_differ():
    backbones = [options for options, _ in slim_backbones().values()]
    assert len(backbones) == 6
    assert all(backbones.count(options) == 1 for options in backbones)
