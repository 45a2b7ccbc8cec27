from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from segda_mm.registry import MODELS

MODEL_CONFIGS = Path(__file__).parents[3] / 'configs/_base_/models'


def build(network):
    init_default_scope('mmseg')
    linspace = partial(torch.linspace, device='cpu')
    with torch.device('meta'), patch('torch.linspace', linspace):
        return MODELS.build(Config.fromfile(MODEL_CONFIGS / network).segmentor)


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_parameters_are_those_published():
    """Of the paper's table: encoder 81.4 M, head 3.7 M; and layer by layer."""
    network = build('daformer_mitb5.py')
    embed = (64 + 128 + 320 + 512) * 256 + 4 * 256
    pointwise = 1024 * 256 + 2 * 256
    dilated = 1024 * 9 + 2 * 1024 + pointwise
    bottleneck = 1024 * 256 * 9 + 2 * 256
    classifier = 256 * 19 + 19
    head = embed + pointwise + 3 * dilated + bottleneck + classifier
    assert count(network.decode_head) == head == 3_712_275
    assert count(network.backbone) == 81_443_008
    assert count(network) == pytest.approx(85.15e6, abs=1e4)


@pytest.mark.parametrize('network', ['daformer_mitb0.py', 'daformer_lite0.py'])
def test_logits_are_a_quarter_of_the_image(network):
    with torch.device('meta'):
        logits = build(network)(torch.zeros(2, 3, 64, 96))
    assert logits.shape == (2, 19, 16, 24)
