import pytest
import torch
from torch import nn

from segda_mm.models import Xception71
from studies.network_costs import count_parameters

SLIM = dict(width_multiplier=1 / 16, middle_modules=1)


def test_parameters_by_part():
    with torch.device('meta'):
        counts = count_parameters(Xception71())
    assert counts == dict(
        stem=19_488,
        entry=4_139_176,
        middle=25_893_504,
        exit1=3_104_384,
        exit2=7_133_184,
        total=42_338_736 - 2_049_000,
    )


@pytest.mark.parametrize(
    ('output_stride', 'multi_grid', 'rates'),
    [(16, None, [2, 2, 2]), (16, (1, 2, 4), [2, 4, 8]), (32, None, [1, 1, 1])],
)
def test_dilations(output_stride, multi_grid, rates):
    backbone = Xception71(output_stride=output_stride, multi_grid=multi_grid, **SLIM)
    assert [c.depthwise_conv.conv.dilation[0] for c in backbone.exit2] == rates
    assert [c.depthwise_conv.conv.padding[0] for c in backbone.exit2] == rates
    others = [
        module
        for name, module in backbone.named_modules()
        if isinstance(module, nn.Conv2d) and not name.startswith('exit2')
    ]
    assert {conv.dilation for conv in others} == {(1, 1)}


def test_features_may_go_below_zero():
    """They are taken before the ReLU that the next convolution starts with."""
    torch.manual_seed(0)
    stride4, stride8, last = Xception71(**SLIM)(torch.randn(2, 3, 33, 33))
    assert stride4.min() < 0 and stride8.min() < 0
    assert last.min() == 0


def test_depthwise_weights_are_drawn_by_their_nine_inputs():
    torch.manual_seed(0)
    backbone = Xception71(width_multiplier=1 / 4, middle_modules=8)
    backbone.init_weights()
    weight = torch.cat(
        [m.separable1.depthwise_conv.conv.weight for m in backbone.middle]
    )
    assert weight.std().item() == pytest.approx((2 / 9) ** 0.5, rel=0.05)
