import pytest
import torch

from segda_mm.models import WideResNet38, WideResNet41
from segda_mm.models.backbones.wide_resnet import DropPath
from studies.network_costs import count_multiply_adds, count_parameters

SLIM = dict(width_multiplier=1 / 16)


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


def test_a_unit_is_relu_of_branch_and_shortcut():
    backbone = WideResNet41(output_stride=32, **SLIM).eval()
    x = torch.randn(2, 16, 9, 9)
    plain, strided = backbone.b3[1], backbone.b3[2]
    assert torch.equal(plain(x), (plain.branch(x) + x).clamp(min=0))
    subsampled = (strided.branch(x) + x[:, :, ::2, ::2]).clamp(min=0)
    assert torch.equal(strided(x), subsampled)
    last = backbone.b4[0]
    assert torch.equal(last(x), (last.branch(x) + last.projection(x)).clamp(min=0))


def test_whole_samples_are_dropped_and_the_mean_is_kept():
    torch.manual_seed(0)
    branch = torch.ones(20_000, 2, 3, 1)
    out = DropPath(0.8)(branch).flatten(1)
    assert set(out[:, 0].tolist()) == {0.0, 1.25}
    assert torch.equal(out, out[:, :1].expand_as(out))
    # Five standard deviations of the mean.
    assert out[:, 0].float().mean() == pytest.approx(1, abs=5 * 0.5 / 20_000**0.5)
    # In training only, and not where all are kept.
    assert DropPath(0.8).eval()(branch) is branch
    assert DropPath(1.0)(branch) is branch
