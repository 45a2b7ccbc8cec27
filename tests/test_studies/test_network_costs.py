import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from segda_mm.models import WideResNet41
from studies.network_costs import count_multiply_adds, count_parameters


def test_layers_counted_by_hand():
    with torch.device('meta'):
        network = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False),  # 7 x 13 -> 4 x 7
            nn.BatchNorm2d(8),
            nn.Conv2d(8, 6, (1, 3), padding=(0, 1), groups=2),
            nn.Flatten(),
            nn.Linear(6 * 4 * 7, 5),
        )
        image = torch.empty(2, 3, 7, 13)
    assert count_parameters(network) == {
        '0': 216,
        '1': 16,
        '2': 6 * 4 * 3 + 6,
        '3': 0,
        '4': 168 * 5 + 5,
        'total': 1155,
    }
    counted = count_multiply_adds(network, image)
    assert counted.native == 2 * (28 * 216 + 28 * 6 * 4 * 3 + 168 * 5)
    assert counted.padded == counted.native


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


def test_mode_and_hooks_are_put_back():
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)).train()
    count_multiply_adds(network, torch.zeros(1, 1, 1, 1))
    assert network[1].training and network[1].num_batches_tracked == 0
    assert not network[0]._forward_hooks
    with pytest.raises(RuntimeError):
        count_multiply_adds(network, torch.zeros(1, 2, 1, 1))
    assert network[1].training and not network[0]._forward_hooks


def test_stride_and_dilation_at_once_are_refused():
    conv = nn.Conv2d(1, 1, 3, stride=2, dilation=2)
    with pytest.raises(ValueError, match='not defined'):
        count_multiply_adds(conv, torch.zeros(1, 1, 9, 9))
