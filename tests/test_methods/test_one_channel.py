"""A head with one channel is that with two, whose logits are (0, z)."""

import pytest
import torch
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from segda_mm.methods.generator import GeneratorResult, head_losses
from segda_mm.methods.pseudo_labelers import label_pixels
from segda_mm.methods.steps import pseudo_labeled
from segda_mm.ops.class_probabilities import class_probabilities
from segda_mm.ops.metrics import (
    pixel_accuracy,
    prediction_entropy,
    prediction_sums,
)
from segda_mm.testing import domain_batch, tiny_bisenet
from segda_mm.testing.tiny_models import one_channel

THRESHOLD = 0.3


def one_channel_bisenet():
    return one_channel(tiny_bisenet(2), THRESHOLD)


@pytest.fixture
def logits():
    draw = torch.Generator().manual_seed(0)
    return torch.randn(2, 1, 6, 8, generator=draw)


@pytest.fixture
def both(logits):
    return torch.cat([torch.zeros_like(logits), logits], dim=1)


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_probabilities(logits, layout):
    found = class_probabilities(logits.contiguous(memory_format=layout))
    expected = torch.stack([1 - logits[:, 0].sigmoid(), logits[:, 0].sigmoid()], 1)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    'loss',
    [
        dict(type='EntropyLoss', loss_weight=1.0),
        dict(type='MaximumSquaresLoss', loss_weight=1.0),
        dict(
            type='MaximumSquaresLoss', loss_weight=1.0, image_wise_weighting_ratio=0.2
        ),
    ],
)
def test_losses_without_labels(logits, both, loss):
    function = MODELS.build(loss)
    torch.testing.assert_close(function(logits), function(both))
    assert function(both).abs() > 0.1


def test_figures(logits, both):
    labels = torch.randint(2, (2, 6, 8), generator=torch.Generator().manual_seed(1))
    labels[:, 0] = 255
    expected = 100 * ((logits[:, 0] > 0) == labels)[:, 1:].float().mean()
    found = pixel_accuracy(logits, labels, 255)
    torch.testing.assert_close(found, expected[None])
    # In a sample, mmseg has the foreground's probability of one channel.
    ours, theirs = (
        prediction_entropy(sum(map(prediction_sums, maps)))
        for maps in (logits.sigmoid(), both)
    )
    assert ours == pytest.approx(theirs, abs=1e-6)


def test_pseudo_labels_are_those_of_the_threshold(logits):
    probability = logits[:, 0].sigmoid()
    result = GeneratorResult((), logits, logits, tuple(logits.shape[2:]), False)
    confidence, predicted, _ = label_pixels(result, None, THRESHOLD)
    is_foreground = probability > THRESHOLD
    assert 0 < is_foreground.sum() < is_foreground.numel()
    # So low a threshold leaves some for which the other class is more probable.
    assert (is_foreground & (probability < 0.5)).any()
    torch.testing.assert_close(predicted, is_foreground.long())
    expected = torch.where(is_foreground, probability, 1 - probability)
    torch.testing.assert_close(confidence, expected)
    median = MODELS.build(dict(type='ClassMedian', cap=1.0, scope='image'))
    *_, kept = label_pixels(result, median, THRESHOLD)
    for image, (labels, all_labels) in enumerate(zip(kept.labels, predicted)):
        for of_class in (0, 1):
            values = confidence[image][all_labels == of_class]
            middle = values.sort().values[(len(values) - 1) // 2]
            trusted = confidence[image][labels == of_class]
            assert (trusted >= middle - 1e-3).all() and len(trusted) >= len(values) // 2


@pytest.mark.parametrize('kind', ['CrossEntropyLoss', 'PixelCrossEntropyLoss'])
def test_weighed_and_void_pixels(logits, kind):
    cfg = one_channel_bisenet().decode_head
    cfg.loss_decode.type = kind
    if kind == 'CrossEntropyLoss':
        cfg.loss_decode.avg_non_ignore = True
    head = MODELS.build(cfg)
    labels = (logits[:, 0] > 0.2).long()
    labels[0, 0] = 255
    weights = torch.rand(labels.shape, generator=torch.Generator().manual_seed(2))
    samples = pseudo_labeled(logits, labels, weights).data_samples
    found = head_losses(head, logits, samples)['loss_ce']
    truth = labels == 1
    each = torch.nn.functional.binary_cross_entropy_with_logits(
        logits[:, 0], truth.float(), reduction='none'
    )
    counted = labels != 255
    expected = (each * weights)[counted].sum() / counted.sum()
    torch.testing.assert_close(found, expected)
    void = pseudo_labeled(logits, torch.full_like(labels, 255)).data_samples
    assert head_losses(head, logits.requires_grad_(), void)['loss_ce'] == 0


@pytest.mark.parametrize('name', ['adversarial', 'mean teacher', 'mpl'])
def test_every_method_trains(make_model, name):
    changes = {}
    if name != 'mean teacher':
        changes['discriminator'] = dict(type='DSCDiscriminator', num_classes=2)
    if name == 'adversarial':
        changes['unlabeled_losses'] = [dict(type='EntropyLoss', loss_weight=0.1)]
        changes['target_loss_weight'] = 1.0
    else:
        changes['pseudo_labeler'] = dict(type='ClassMedian', cap=0.9, scope='image')
    if name == 'mean teacher':
        changes['mixing'] = dict(type='ClassMix')
    model, wrappers = make_model(name, one_channel_bisenet, **changes)
    seen = []
    for child, module in model.named_modules():
        if child.endswith('discriminator'):
            module.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    batch = domain_batch(num_classes=2)
    if name == 'adversarial':
        for sample in batch['target']['data_samples']:
            sample.gt_sem_seg = batch['source']['data_samples'][0].gt_sem_seg
    log = model.train_step(batch, wrappers)
    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in log.values())
    assert (seen != []) == (name != 'mean teacher')
    for probabilities in seen:
        assert probabilities.shape[1] == 2
        torch.testing.assert_close(
            probabilities.sum(1), torch.ones_like(probabilities[:, 0])
        )
    size = (64, 64)
    sample = SegDataSample(metainfo=dict(ori_shape=size, img_shape=size))
    model.eval()
    image = batch['target']['inputs'][0]
    (predicted,) = model.test_step(dict(inputs=[image], data_samples=[sample]))
    expected = predicted.seg_logits.data > THRESHOLD
    assert (predicted.pred_sem_seg.data == expected).all()
