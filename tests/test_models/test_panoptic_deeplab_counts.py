"""The networks of the panoptic configs, counted as in "Naive-Student", Table 8."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from segda_mm.registry import MODELS
from studies.network_costs import count_multiply_adds, count_parameters

FOLDER = Path(__file__).parents[2] / 'configs' / '_base_' / 'models'
ASPP = dict(wr38=30_739_456, wr41=15_535_104, x71=3_019_776)
# Projections and 5x5 fusions of the semantic and of the instance decoder, and the
# heads of classes, centers and offsets.
DENSE = (41_152, 3_892_224), (20_576, 1_382_912), (1_643_795, 102_497, 102_530)
SEPARABLE = (54_976, 173_088), (27_488, 67_472), (77_843, 7_649, 7_682)
DECODERS = dict(wr38=DENSE, wr41=DENSE, x71=SEPARABLE)


def build(name, **backbone):
    cfg = Config.fromfile(FOLDER / f'panoptic_deeplab_{name}.py')
    cfg.model.backbone.update(backbone)
    with torch.device('meta'):
        return cfg.model.backbone, MODELS.build(cfg.model)


@pytest.mark.parametrize(
    ('name', 'multi_grid', 'native', 'padded', 'published'),
    [
        ('wr38', None, 3_415_538_975_264, 3_484_859_810_336, 3486.32),
        ('wr38', (1, 2), 3_415_538_975_264, 3_492_334_060_064, 3493.80),
        ('wr41', None, 3_202_324_415_008, 3_237_444_895_264, 3238.81),
        ('wr41', (1, 2, 4), 3_202_324_415_008, 3_245_032_391_200, 3246.40),
        ('x71', None, 546_022_803_064, 546_156_398_200, 547.49),
    ],
)
def test_multiply_adds(name, multi_grid, native, padded, published):
    settings, model = build(name, multi_grid=multi_grid)
    assert settings.get('multi_grid') == multi_grid
    image = torch.empty(1, 3, 1025, 2049, device='meta')
    counted = count_multiply_adds(model, image)
    assert (counted.native, counted.padded) == (native, padded)
    # What is missing is nearly the same for all networks: layers that the
    # published figures include besides the convolutions.
    assert 1.3 < published - counted.padded / 1e9 < 1.5


@pytest.mark.parametrize(
    ('name', 'total', 'published'),
    [
        ('wr38', 173_751_638, 173.75),
        ('wr41', 147_269_974, 147.27),
        ('x71', 46_745_486, 46.73),
    ],
)
def test_parameters(name, total, published):
    _, model = build(name)
    semantic, instance, heads = DECODERS[name]
    for branch, (projections, fusions) in (
        (model.decode_head.semantic_branch, semantic),
        (model.decode_head.instance_branch, instance),
    ):
        counts = count_parameters(branch)
        assert counts['aspp'] == ASPP[name]
        assert (counts['projections'], counts['fusions']) == (projections, fusions)
    counts = count_parameters(model.decode_head)
    assert (
        tuple(counts[f'{of}_head'] for of in ('semantic', 'center', 'offset')) == heads
    )
    assert count_parameters(model)['total'] == total
    assert total / 1e6 == pytest.approx(published, abs=0.005 if name != 'x71' else 0.02)
