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
