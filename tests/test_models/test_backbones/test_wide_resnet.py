import pytest
import torch
from torch import nn

from segda_mm.models import WideResNet38, WideResNet41
from segda_mm.models.backbones.wide_resnet import DropPath
from studies.network_costs import count_multiply_adds, count_parameters

SLIM = dict(width_multiplier=1 / 16)


def counts(network):
    return {name: count for name, count in count_parameters(network).items() if count}


def dilations(unit):
    return [c.dilation[0] for c in unit.modules() if isinstance(c, nn.Conv2d)]


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


def test_the_printed_b5_and_a_strided_stem_miss_the_published_counts():
    with torch.device('meta'):
        as_printed = WideResNet41(b5_width=512)
        strided = WideResNet38(stem='strided_unit')
        image = torch.empty(1, 3, 224, 224)
        billions = count_multiply_adds(strided, image).native / 1e9
        assert [tuple(f.shape[2:]) for f in strided(image)] == [
            (56, 56),
            (28, 28),
            (7, 7),
        ]
    millions = (counts(as_printed)['total'] + 2_049_000) / 1e6
    assert millions == pytest.approx(85.1, abs=0.05)
    assert billions + 0.004096 == pytest.approx(44.60, abs=0.005)


@pytest.mark.parametrize(
    ('network', 'output_stride', 'multi_grid', 'rates'),
    [
        (WideResNet41, 16, (1, 2, 4), dict(b6=[2, 4, 8])),
        (WideResNet41, 16, None, dict(b6=[2, 2, 2])),
        (WideResNet41, 32, None, dict(b6=[1, 1, 1])),
        (WideResNet38, 16, (1, 2), dict(b6=[2], b7=[4])),
    ],
)
def test_dilations(network, output_stride, multi_grid, rates):
    backbone = network(output_stride=output_stride, multi_grid=multi_grid, **SLIM)
    for name in backbone.stage_names:
        for index, unit in enumerate(getattr(backbone, name)):
            kernels = [c for c in unit.branch.modules() if isinstance(c, nn.Conv2d)]
            expected = rates[name][index] if name in rates else 1
            for conv in kernels:
                rate = expected if conv.kernel_size == (3, 3) else 1
                assert conv.dilation == (rate, rate)
                assert conv.padding == (rate * (conv.kernel_size[0] // 2),) * 2


def test_strides_lie_on_the_second_convolution_of_the_last_unit():
    backbone = WideResNet41(output_stride=16, **SLIM)
    strided = {
        name
        for name, module in backbone.named_modules()
        if isinstance(module, nn.Conv2d) and module.stride == (2, 2)
    }
    assert strided == {'conv1.conv', 'b3.2.branch.1.conv', 'b4.5.branch.1.conv'}
    projections = {
        name
        for name, module in backbone.named_children()
        if isinstance(module, nn.ModuleList)
        and [unit.projection is not None for unit in module]
        == [True] + [False] * (len(module) - 1)
    }
    # At a sixteenth of the width, conv1 is as narrow as b2.
    assert projections == {'b3', 'b4', 'b5', 'b6'}


def test_a_unit_is_relu_of_branch_and_shortcut():
    backbone = WideResNet41(output_stride=32, **SLIM).eval()
    x = torch.randn(2, 16, 9, 9)
    plain, strided = backbone.b3[1], backbone.b3[2]
    assert torch.equal(plain(x), (plain.branch(x) + x).clamp(min=0))
    subsampled = (strided.branch(x) + x[:, :, ::2, ::2]).clamp(min=0)
    assert torch.equal(strided(x), subsampled)
    last = backbone.b4[0]
    assert torch.equal(last(x), (last.branch(x) + last.projection(x)).clamp(min=0))


def test_features_are_taken_before_the_strided_units():
    backbone = WideResNet38(output_stride=16, **SLIM).eval()
    image = torch.randn(1, 3, 33, 33)
    seen = {}
    for name, unit in (('b3', backbone.b3[1]), ('b4', backbone.b4[4])):
        unit.register_forward_hook(
            lambda _m, _i, output, name=name: seen.update({name: output.clone()})
        )
    stride4, stride8, _ = backbone(image)
    assert torch.equal(stride4, seen['b3'])
    assert torch.equal(stride8, seen['b4'])


def test_kaiming_is_what_the_weights_are_drawn_by():
    torch.manual_seed(0)
    backbone = WideResNet38(width_multiplier=1 / 4)
    backbone.init_weights()
    conv = backbone.b4[3].branch[0].conv
    assert conv.weight.std().item() == pytest.approx((2 / (9 * 128)) ** 0.5, rel=0.02)
    assert backbone.b4[3].branch[0].bn.weight.eq(1).all()


@pytest.mark.parametrize(
    ('settings', 'key'),
    [
        (dict(drop_path_survival=0.0), 'drop_path_survival'),
        (dict(drop_path_survival=1.2), 'drop_path_survival'),
        (dict(stem='pool'), 'stem'),
    ],
)
def test_wrong_settings_are_named(settings, key):
    with torch.device('meta'), pytest.raises(ValueError, match=key):
        WideResNet41(**SLIM, **settings)


def test_drop_path_stands_in_every_unit():
    backbone = WideResNet38(drop_path_survival=0.8, **SLIM)
    units = [unit for name in backbone.stage_names for unit in getattr(backbone, name)]
    assert len(units) == 17
    assert {unit.drop_path.survival for unit in units} == {0.8}


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_whole_samples_are_dropped_and_the_mean_is_kept(dtype):
    torch.manual_seed(0)
    branch = torch.ones(20_000, 2, 3, 1, dtype=dtype)
    out = DropPath(0.8)(branch).flatten(1)
    assert out.dtype == dtype
    assert set(out[:, 0].tolist()) == {0.0, 1.25}
    assert torch.equal(out, out[:, :1].expand_as(out))
    # Five standard deviations of the mean.
    assert out[:, 0].float().mean() == pytest.approx(1, abs=5 * 0.5 / 20_000**0.5)
    # In training only, and not where all are kept.
    assert DropPath(0.8).eval()(branch) is branch
    assert DropPath(1.0)(branch) is branch
