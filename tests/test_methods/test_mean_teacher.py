import copy

import pytest
import torch
import torch.nn.functional as F
from mmengine.logging import MessageHub

from segda_mm.methods import CutMix
from segda_mm.methods.steps import DomainBatch
from segda_mm.testing import domain_batch


def test_the_teacher_starts_as_the_student_and_is_its_moving_average(make_model):
    model, optim_wrapper = make_model('mean teacher', decay=0.7)
    expected = copy.deepcopy(model.student_generator.state_dict())
    for key, value in model.teacher_generator.state_dict().items():
        assert torch.equal(value, expected[key])
    name = 'segmentor.decode_head.conv_seg.weight'
    weights = [expected[name]]
    for iteration in range(6):
        MessageHub.get_current_instance().update_info('iter', iteration)
        model.train_step(domain_batch(), optim_wrapper)
        student = copy.deepcopy(model.student_generator.state_dict())
        decay = min(1 - 1 / (iteration + 2), 0.7)
        for key, value in student.items():
            expected[key] = (
                decay * expected[key] + (1 - decay) * value
                if value.is_floating_point()
                else value
            )
        weights.append(student[name])
        if iteration == 1:
            mean = torch.stack(weights).mean(0)
            teacher = model.teacher_generator.state_dict()[name]
            torch.testing.assert_close(teacher, mean)
    # Weights and the statistics of BatchNorm alike.
    assert any('running_mean' in key for key in expected)
    for key, value in model.teacher_generator.state_dict().items():
        torch.testing.assert_close(value, expected[key])
    assert not torch.allclose(student[name], expected[name])


def test_losses_equal_the_formula(make_model):
    """Source loss + weight * loss on the teacher's labels, weighed by pixel."""
    model, optim_wrapper = make_model(
        'mean teacher',
        pseudo_labeler=dict(type='PixelConfidence', exponent=2.0),
        target_loss_weight=0.5,
    )
    twin = copy.deepcopy(model)
    torch.manual_seed(1)
    log = model.train_step(domain_batch(), optim_wrapper)

    batches = twin.data_preprocessor(domain_batch(), True)
    inputs = batches['target']['inputs']
    # As it labels: no dropout, statistics of the batch.
    teacher = copy.deepcopy(twin.teacher_generator).train()
    for module in teacher.modules():
        if isinstance(module, torch.nn.Dropout2d):
            module.eval()
    confidence, labels = teacher.infer(inputs).logits.softmax(1).max(1)
    torch.manual_seed(1)
    source_losses, _ = twin.student_generator(**batches['source'])
    segmentor = twin.student_generator.segmentor
    features = segmentor.extract_feat(inputs)
    expected = 0
    for head in (segmentor.decode_head, *segmentor.auxiliary_head):
        logits = F.interpolate(head(features), size=inputs.shape[2:], mode='bilinear')
        losses = F.cross_entropy(logits, labels, reduction='none')
        expected += (losses * confidence**2).mean()
    torch.testing.assert_close(log['student_generator.target.loss'], expected.detach())
    source = sum(v for k, v in source_losses.items() if 'loss' in k)
    torch.testing.assert_close(log['loss'], (source + 0.5 * expected).detach())
    torch.testing.assert_close(log['pseudo.confidence'], confidence.mean().detach())
    torch.testing.assert_close(log['pseudo.weight'], (confidence**2).mean().detach())


def test_mixed_images_are_source_where_the_mask_says(make_model):
    model, _ = make_model('mean teacher', mixing=dict(type='ClassMix'))
    batches = model.data_preprocessor(domain_batch(), True)
    source, target = DomainBatch(**batches['source']), batches['target']['inputs']
    labels = torch.full((2, 64, 64), 7)
    weights = torch.full((2, 64, 64), 0.25)
    mixed = model._mix(source, target, labels, weights)
    for index, sample in enumerate(mixed.data_samples):
        label = sample.gt_sem_seg.data[0]
        from_source = label != 7
        assert 0 < from_source.float().mean() < 1
        truth = source.data_samples[index].gt_sem_seg.data[0]
        assert torch.equal(label[from_source], truth[from_source])
        assert torch.equal(
            mixed.inputs[index],
            torch.where(from_source, source.inputs[index], target[index]),
        )
        assert torch.equal(
            sample.pixel_weights.data[0], torch.where(from_source, 1.0, 0.25)
        )


def test_wrong_settings_are_refused(make_model):
    with pytest.raises(ValueError, match='decay'):
        make_model('mean teacher', decay=1.0)
    for shares in ((0, 0.5), (0.6, 0.5), (0.5, 1.1)):
        with pytest.raises(ValueError, match='min_share'):
            CutMix(*shares)
    model, optim_wrapper = make_model('mean teacher', mixing=dict(type='ClassMix'))
    batch = domain_batch()
    batch['target'] = domain_batch(size=(64, 96))['target']
    with pytest.raises(ValueError, match='source'):
        model.train_step(batch, optim_wrapper)
