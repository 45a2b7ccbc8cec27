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
from segda_mm.registry import MODELS


@pytest.fixture(scope='module')
def donor():
    """timm's network with random weights, norms included."""
    torch.manual_seed(0)
    network = timm.create_model('xception71', pretrained=False).eval()
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, std=0.1)
            norm.running_mean.normal_(std=0.1)
            norm.running_var.uniform_(0.5, 1.5)
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
    reference = timm.create_model('xception71', output_stride=output_stride).eval()
    reference.load_state_dict(donor.state_dict())
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


@torch.no_grad()
def test_the_classifier_comes_along(donor, converted):
    classifier = MODELS.build(
        dict(
            type='mmpretrain.ImageClassifier',
            data_preprocessor=dict(type='mmpretrain.ClsDataPreprocessor'),
            backbone=dict(type='Xception71', out_indices=(2,)),
            neck=dict(type='mmpretrain.GlobalAveragePooling'),
            head=dict(
                type='mmpretrain.LinearClsHead',
                num_classes=1000,
                in_channels=2048,
                loss=dict(type='mmpretrain.CrossEntropyLoss'),
            ),
        )
    ).eval()
    load_network_weights(classifier, str(converted), '')
    image = torch.randn(1, 3, 33, 33)
    torch.testing.assert_close(classifier(image), donor(image), rtol=1e-5, atol=1e-5)


def test_all_weights_must_be_known_there_and_in_shape(donor, tmp_path):
    state = donor.state_dict()
    for change, message in (
        (dict(extra=torch.zeros(1)), 'extra is no weight of xception71'),
        ({'blocks.23.stack.conv1.bn_dw.bias': torch.zeros(1)}, 'has 23 blocks'),
        ({'blocks.3.stack.conv4.bn_dw.bias': torch.zeros(1)}, 'is no weight'),
        (
            {'blocks.6.shortcut.conv.weight': torch.zeros(1)},
            'middle.1.projection.conv.weight is .* not be there',
        ),
        ({'stem.0.conv.weight': torch.zeros(8, 3, 3, 3)}, r'should be \(32, 3, 3, 3\)'),
    ):
        with pytest.raises(ValueError, match=message):
            rename_timm_xception71({**state, **change})
    missing = {name: t for name, t in state.items() if name != 'stem.1.bn.weight'}
    torch.save(dict(state_dict=missing), tmp_path / 'timm.pth')
    with pytest.raises(ValueError, match='timm.pth: 1 weights .*stem.1.bn.weight is'):
        convert_timm_xception71(tmp_path / 'timm.pth', tmp_path / 'out.pth')
    assert not (tmp_path / 'out.pth').exists()


def test_safetensors_are_told_by_their_suffix(tmp_path):
    header = b'{"extra": {"dtype": "I64", "shape": [], "data_offsets": [0, 8]}}'
    file = tmp_path / 'model.safetensors'
    file.write_bytes(len(header).to_bytes(8, 'little') + header + bytes(8))
    with pytest.raises(ValueError, match='extra is no weight of xception71'):
        convert_timm_xception71(file, tmp_path / 'out.pth')
