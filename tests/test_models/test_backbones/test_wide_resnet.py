import pytest
import torch

from segda_mm.models import WideResNet38, WideResNet41
from studies.network_costs import count_multiply_adds, count_parameters


def counts(network):
    return {name: count for name, count in count_parameters(network).items() if count}


@pytest.mark.parametrize(
    ('network', 'own', 'classifier', 'multiply_adds'),
    [
        (
            WideResNet38,
            dict(b5=26_487_808, b6=9_448_448, b7=37_771_264),
            4_097_000,
            45_985_382_400,
        ),
        (WideResNet41, dict(b5=52_443_136, b6=25_191_424), 2_049_000, 49_297_358_848),
    ],
)
def test_counts_are_those_of_table_11(network, own, classifier, multiply_adds):
    with torch.device('meta'):
        backbone = network(out_indices=(2,))
        (channels,) = backbone.feature_channels
        image = torch.empty(1, 3, 224, 224)
        counted = count_multiply_adds(backbone, image)
    parts = dict(conv1=1_856, b2=820_992, b3=3_280_384, b4=27_276_288, **own)
    assert counts(backbone) == {**parts, 'total': sum(parts.values())}
    total = sum(parts.values()) + classifier
    assert total == {WideResNet38: 109_184_040, WideResNet41: 111_063_080}[network]
    assert counted.native + channels * 1000 == multiply_adds
    assert counted.padded == counted.native


def test_whole_samples_are_dropped_and_the_mean_is_kept():
    torch.manual_seed(0)
    network = WideResNet41(drop_path_survival=0.8, width_multiplier=1 / 16)
    unit = network.b2[1]
    for layer in unit.branch:
        layer.conv.weight.data.zero_()
    torch.nn.init.ones_(unit.branch[-1].bn.bias)
    # The branch adds 1 / 0.8 to what is passed on, or nothing at all.
    added = unit(torch.zeros(5_000, 8, 1, 1)).flatten(1)
    assert torch.equal(added, added[:, :1].expand_as(added))
    assert set(added[:, 0].tolist()) == {0.0, 1.25}
    # Five standard deviations of the mean.
    assert added[:, 0].mean().item() == pytest.approx(1, abs=5 * 0.5 / 5_000**0.5)
    assert (network.eval().b2[1](torch.zeros(9, 8, 1, 1)) == 1).all()
