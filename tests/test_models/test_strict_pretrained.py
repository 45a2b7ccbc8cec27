import pytest
import torch
from mmengine.registry import init_default_scope
from torch import nn

from segda_mm.registry import MODELS

RESNET = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4)
BACKBONES = [
    RESNET,
    dict(type='WideResNet38', width_multiplier=1 / 16),
    dict(type='Xception71', width_multiplier=1 / 16, middle_modules=1),
]


def save_classifier(file, backbone):
    """A checkpoint as a classifier leaves it, with no weight at its first value."""
    donor = MODELS.build(backbone)
    for parameter in donor.parameters():
        nn.init.normal_(parameter)
    state = {f'backbone.{key}': value for key, value in donor.state_dict().items()}
    state['head.fc.weight'] = torch.zeros(2, 3)
    torch.save(dict(state_dict=state), file)
    return donor.state_dict()


@pytest.mark.parametrize('scope', ['mmseg', 'mmpretrain'])
@pytest.mark.parametrize('backbone', BACKBONES, ids=lambda backbone: backbone['type'])
def test_every_weight_comes_from_the_checkpoint(tmp_path, backbone, scope):
    file = tmp_path / 'classifier.pth'
    expected = save_classifier(file, backbone)
    init_cfg = dict(type='StrictPretrained', checkpoint=str(file), prefix='backbone.')
    init_default_scope(scope)
    type_ = f'mmseg.{backbone["type"]}'
    network = MODELS.build(dict(backbone, type=type_, init_cfg=init_cfg))
    network.init_weights()
    for name, value in network.state_dict().items():
        assert torch.equal(value, expected[name]), name


def test_what_does_not_fit_is_refused(tmp_path):
    file = tmp_path / 'classifier.pth'
    save_classifier(file, RESNET)

    def initialize(**settings):
        init_cfg = dict(type='StrictPretrained', checkpoint=str(file))
        init_cfg.update(settings)
        MODELS.build(dict(RESNET, init_cfg=init_cfg)).init_weights()

    with pytest.raises(ValueError, match='do not fit ResNet'):
        initialize()
    with pytest.raises(ValueError, match='`prefix` of StrictPretrained'):
        initialize(prefix='encoder.')
    with pytest.raises(FileNotFoundError, match='absent.pth does not exist'):
        initialize(checkpoint='absent.pth')
