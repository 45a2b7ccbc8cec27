import pytest
import timm
import torch
from torch import nn

from segda_mm.models import Xception71
from segda_mm.models.backbones.timm_xception71 import (
    convert_timm_xception71,
    rename_timm_xception71,
)
from segda_mm.models.checkpoints import load_network_weights


@pytest.fixture(scope='module')
def donor():
    """timm's network with random weights, norms included."""
    torch.manual_seed(0)
    with torch.device('meta'):
        network = timm.create_model('xception71', pretrained=False).eval()
    network.to_empty(device='cpu')
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, std=0.1)
            part.running_mean.normal_(std=0.1)
            part.running_var.uniform_(0.5, 1.5)
            part.num_batches_tracked.zero_()
        elif isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight)
    nn.init.zeros_(network.head.fc.weight)
    nn.init.zeros_(network.head.fc.bias)
    return network


@pytest.fixture(scope='module')
def converted(donor, tmp_path_factory):
    folder = tmp_path_factory.mktemp('timm')
    torch.save(donor.state_dict(), folder / 'timm.pth')
    convert_timm_xception71(folder / 'timm.pth', folder / 'converted.pth')
    return folder / 'converted.pth'


@pytest.mark.parametrize('output_stride', [32, 16])
@torch.no_grad()
def test_features_are_those_of_timm(donor, converted, output_stride):
    with torch.device('meta'):
        reference = timm.create_model('xception71', output_stride=output_stride).eval()
    reference.load_state_dict(donor.state_dict(), assign=True)
    backbone = Xception71(output_stride=output_stride).eval()
    load_network_weights(backbone, str(converted), 'backbone.')
    image = torch.randn(1, 3, 65, 65, generator=torch.Generator().manual_seed(1))
    stride4, stride8, last = backbone(image)
    expected, taps = reference.forward_intermediates(image)
    side = 64 // output_stride + 1
    assert last.shape == (1, 2048, side, side)
    torch.testing.assert_close(last, expected, rtol=1e-5, atol=1e-5)
    # timm takes the same two maps, behind a ReLU.
    for feature, tap in ((stride4, taps[1]), (stride8, taps[2])):
        assert feature.std() > 0.01
        torch.testing.assert_close(feature.relu(), tap, rtol=1e-5, atol=1e-5)


def test_all_weights_must_be_known_there_and_in_shape(donor, tmp_path):
    state = donor.state_dict()
    for change, message in (
        (dict(extra=torch.zeros(1)), 'extra is no weight of xception71'),
        ({'blocks.23.stack.conv1.bn_dw.bias': torch.zeros(1)}, 'has 23 blocks'),
        (
            {'stem.0.conv.weight': torch.zeros(8, 3, 3, 3)},
            r'stem.0.conv.weight.*\[8, 3, 3, 3\]',
        ),
    ):
        with pytest.raises(ValueError, match=message):
            rename_timm_xception71({**state, **change})
    missing = {name: t for name, t in state.items() if name != 'stem.1.bn.weight'}
    torch.save(dict(state_dict=missing), tmp_path / 'timm.pth')
    with pytest.raises(ValueError, match=r'(?s)timm.pth: .*Missing.*stem.1.bn.weight'):
        convert_timm_xception71(tmp_path / 'timm.pth', tmp_path / 'out.pth')
    assert not (tmp_path / 'out.pth').exists()
