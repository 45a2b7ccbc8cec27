import copy

import pytest
import torch
from mmseg.registry import MODELS

from segda_mm.methods import SegmentorGenerator
from segda_mm.models import DomainDataPreprocessor
from segda_mm.testing import (
    TINY_SEGMENTORS,
    segmentation_batch,
    tiny_bisenet,
    tiny_pidnet,
    tiny_stdc,
)


def make_batch():
    preprocessor = DomainDataPreprocessor(mean=[128] * 3, std=[64] * 3, size_divisor=1)
    return preprocessor(segmentation_batch(), True)


def several_losses_and_hard_pixels():
    cross_entropy = dict(type='CrossEntropyLoss', avg_non_ignore=True)
    config = tiny_bisenet()
    config.decode_head.update(
        loss_decode=[
            dict(cross_entropy, loss_name='loss_ce'),
            dict(cross_entropy, loss_name='loss_ce', loss_weight=0.5),
            dict(cross_entropy, loss_name='loss_third'),
        ],
        sampler=dict(type='OHEMPixelSampler', thresh=0.3, min_kept=20),
    )
    return config


@pytest.mark.parametrize(
    'segmentor, extra', [*TINY_SEGMENTORS, (several_losses_and_hard_pixels, {})]
)
def test_losses_and_logits_equal_those_of_the_segmentor(segmentor, extra):
    torch.manual_seed(0)
    generator = SegmentorGenerator(segmentor(), **extra)
    plain = copy.deepcopy(generator.segmentor)
    batch = make_batch()

    torch.manual_seed(1)
    losses, logits = generator(**batch)
    torch.manual_seed(1)
    expected = plain.loss(batch['inputs'], batch['data_samples'])
    plain_losses = segmentor not in (tiny_pidnet, tiny_stdc)
    for key, value in expected.items():
        if 'loss' in key:
            torch.testing.assert_close(losses.pop(key), value, msg=key)
    # Only heads with losses of their own are asked for their accuracies, too.
    assert all('acc_' in key and not plain_losses for key in losses)

    assert logits.shape == (2, 4, 64, 64)
    generator.eval()
    plain.load_state_dict(generator.segmentor.state_dict())
    plain.eval()
    losses, logits = generator(batch['inputs'])
    assert losses == {}
    metas = [sample.metainfo for sample in batch['data_samples']]
    expected = plain.encode_decode(batch['inputs'], metas)
    assert torch.equal(logits, expected)


NORM = dict(type='BN')
HEAD = dict(channels=16, num_classes=4, dropout_ratio=0.5, norm_cfg=NORM)
DANET = dict(
    tiny_bisenet(),
    decode_head=dict(HEAD, type='DAHead', in_channels=32, in_index=0, pam_channels=8),
)
DDRNET = dict(
    type='EncoderDecoder',
    backbone=dict(type='DDRNet', channels=8, ppm_channels=16, norm_cfg=NORM),
    decode_head=dict(
        HEAD,
        type='DDRHead',
        in_channels=32,
        loss_decode=[dict(type='CrossEntropyLoss')] * 2,
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)


@pytest.mark.parametrize(
    ('segmentor', 'index'), [(tiny_pidnet(), 1), (DANET, 0), (DDRNET, 0)]
)
def test_a_head_of_several_outputs_is_asked(segmentor, index):
    torch.manual_seed(0)
    generator = SegmentorGenerator(copy.deepcopy(segmentor)).train()
    inputs = make_batch()['inputs']
    twin, told = copy.deepcopy(generator), copy.deepcopy(generator)
    told.logits_index = index
    for network in (generator, told):
        torch.manual_seed(1)
        network.infer(inputs)
    assert generator.logits_index == index
    # It costs no state: one has passed once more than the other.
    for (name, asked), (_, plain) in zip(
        generator.state_dict().items(), told.state_dict().items()
    ):
        assert torch.equal(asked, plain), name
    assert all(module.training for module in generator.modules())

    class NoneOfThem(type(twin.segmentor.decode_head)):
        def predict(self, *args):
            return super().predict(*args) + 1

    twin.segmentor.decode_head.__class__ = NoneOfThem
    with pytest.raises(TypeError, match='outputs in training and predicts with none'):
        twin.infer(inputs)


def test_cascades_are_refused_before_they_are_built():
    heads = [dict(type='FCNHead'), dict(type='OCRHead')]
    segmentor = dict(type='CascadeEncoderDecoder', decode_head=heads)
    with pytest.raises(TypeError, match=r'2 decode heads \(FCNHead, OCRHead\) needs'):
        SegmentorGenerator(segmentor)


def test_a_head_with_its_own_loss_is_refused():

    @MODELS.register_module(force=True)
    class HeadWithOwnLoss(MODELS.get('FCNHead')):
        def loss(self, *args):
            return {}

    segmentor = tiny_bisenet()
    segmentor['decode_head']['type'] = 'HeadWithOwnLoss'
    with pytest.raises(TypeError, match='HeadWithOwnLoss.*one forward pass'):
        SegmentorGenerator(segmentor)


@pytest.mark.parametrize(
    'change, message',
    [
        (
            dict(checkpoint_prefix='teacher.'),
            "no weights under 'teacher.'.*begin with generator",
        ),
        (dict(segmentor=tiny_bisenet(num_classes=5)), 'do not fit'),
        (dict(checkpoint='absent.pth'), 'absent.pth does not exist'),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(tmp_path, change, message):
    donor = SegmentorGenerator(tiny_bisenet())
    file = str(tmp_path / 'epoch_1.pth')
    torch.save({f'generator.{k}': v for k, v in donor.state_dict().items()}, file)
    arguments = dict(
        segmentor=tiny_bisenet(),
        checkpoint=file,
        checkpoint_prefix='generator.segmentor.',
    )
    generator = SegmentorGenerator(**{**arguments, **change})
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        generator.init_weights()
