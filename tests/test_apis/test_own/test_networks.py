"""Any network of mmseg, for any number of classes."""

import pytest
from mmengine.registry import init_default_scope

from segda_mm.apis.own.networks import read_network
from segda_mm.registry import MODELS


def counts(network):
    heads = network.segmentor.get('auxiliary_head') or []
    heads = heads if isinstance(heads, list) else [heads]
    return [head.num_classes for head in (network.segmentor.decode_head, *heads)]


@pytest.mark.parametrize(
    ('name', 'expected', 'generator'),
    [
        (None, [5, 5, 5], {}),
        ('bisenetv1_r18', [5, 5, 5], {}),
        ('mmseg::segformer_mit-b0', [5], {}),
        # The borders that STDC learns are two classes whatever the classes.
        ('mmseg::stdc', [5, 5, 5, 2], {}),
        # Whole configs, with weights of their classes and a size of crops.
        ('mmseg::pidnet-s_2xb6-120k_1024x1024-cityscapes', [5], dict(edge_width=4)),
        ('mmseg::bisenetv1_r18-d32', [5, 5, 5], {}),
    ],
)
def test_heads_get_the_classes(name, expected, generator):
    network = read_network(name, 5)
    assert counts(network) == expected
    assert network.generator == generator
    assert network.data_preprocessor.type == 'DomainDataPreprocessor'
    assert 'size' not in network.data_preprocessor
    text = str(network.segmentor)
    assert 'class_weight' not in text and 'SyncBN' not in text
    init_default_scope('mmseg')
    MODELS.build(network.segmentor)


def test_a_base_is_changed():
    change = dict(base='mmseg::segformer_mit-b0', backbone=dict(embed_dims=8))
    network = read_network(change, 5)
    assert network.segmentor.backbone.embed_dims == 8
    assert network.segmentor.backbone.type == 'MixVisionTransformer'
    assert network.name == 'segformer_mit-b0'
    assert change == dict(base='mmseg::segformer_mit-b0', backbone=dict(embed_dims=8))


def test_pixels_without_a_label_do_not_count():
    (loss,) = [
        read_network('mmseg::segformer_mit-b0', 5).segmentor.decode_head.loss_decode
    ]
    assert loss.type == 'PixelCrossEntropyLoss'
