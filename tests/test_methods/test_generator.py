import copy

import pytest
import torch
from mmseg.registry import MODELS

from segda_mm.methods import SegmentorGenerator
from segda_mm.models import DomainDataPreprocessor
from segda_mm.testing import (
    segmentation_batch,
    tiny_bisenet,
    tiny_pidnet,
    tiny_segformer,
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
    'segmentor, extra',
    [
        (tiny_bisenet, {}),
        (tiny_stdc, {}),
        (tiny_segformer, {}),
        (tiny_pidnet, dict(logits_index=1, edge_width=4)),
        (several_losses_and_hard_pixels, {}),
    ],
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
            assert torch.equal(losses.pop(key), value), key
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


def test_a_head_with_several_outputs_needs_logits_index():
    generator = SegmentorGenerator(tiny_pidnet(), edge_width=4)
    with pytest.raises(TypeError, match='PIDHead.*logits_index'):
        generator(make_batch()['inputs'])


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
