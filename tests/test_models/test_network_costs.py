import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from segda_mm.models import WideResNet41
from segda_mm.models.network_costs import count_multiply_adds


@pytest.mark.parametrize(
    ('rate', 'positions'),
    [(1, 8385), (2, 8580), (4, 8976), (6, 8712), (8, 9792), (12, 9504), (18, 10368)],
)
def test_dilated_convolutions_are_padded_to_multiples_of_their_rate(rate, positions):
    """On the map of stride 16 of a 1025 x 2049 crop."""
    with torch.device('meta'):
        conv = nn.Conv2d(2, 3, 3, padding=rate, dilation=rate)
        counted = count_multiply_adds(conv, torch.empty(1, 2, 65, 129))
    assert counted.native == 8385 * 54
    assert counted.padded == positions * 54


def test_torch_counts_the_same():
    with torch.device('meta'):
        backbone = WideResNet41(output_stride=16, multi_grid=(1, 2, 4)).eval()
        image = torch.empty(1, 3, 65, 129)
    with FlopCounterMode(display=False) as flops:
        backbone(image)
    assert 2 * count_multiply_adds(backbone, image).native == flops.get_total_flops()
