import copy

import pytest
import torch
import torch.nn.functional as F
from mmengine.logging import MessageHub

from segda_mm.engine.optimizers import ChildOptimWrapperConstructor
from segda_mm.methods import MeanTeacher
from segda_mm.methods.steps import DomainBatch
from segda_mm.testing import (
    domain_batch,
    tiny_bisenet,
    tiny_optim_wrapper,
    tiny_pidnet,
    tiny_segformer,
    tiny_stdc,
)

AUGMENTATION = dict(
    type='StrongAugmentation',
    brightness=0.5,
    contrast=0.5,
    saturation=0.5,
    hue=0.1,
    jitter_probability=1.0,
    blur_sigma=(0.2, 1.0),
    blur_probability=0.5,
)


def make_model(segmentor=tiny_bisenet, generator=None, **changes):
    torch.manual_seed(0)
    arguments = dict(
        generator=dict(
            type='SegmentorGenerator', segmentor=segmentor(), **(generator or {})
        ),
        mixing=None,
        pseudo_labeler=None,
        augmentation=None,
        decay=0.9,
        target_loss_weight=1.0,
        label_batch_statistics=True,
        data_preprocessor=dict(
            type='DomainDataPreprocessor', mean=[128] * 3, std=[64] * 3, size_divisor=1
        ),
    )
    model = MeanTeacher(**{**arguments, **changes})
    model.init_weights()
    return model.train(), tiny_optim_wrapper(model, 'student_generator')


def step(model, optim_wrapper, seed=0, iteration=0, batch=None):
    MessageHub.get_current_instance().update_info('iter', iteration)
    torch.manual_seed(seed)
    return model.train_step(copy.deepcopy(batch or domain_batch()), optim_wrapper)


@pytest.mark.parametrize(
    'segmentor, generator, labeler, mixing',
    [
        (
            tiny_bisenet,
            {},
            dict(type='ConfidentShare', threshold=0.3),
            dict(type='CutMix', min_share=0.2, max_share=0.5),
        ),
        (
            tiny_stdc,
            {},
            dict(type='PixelConfidence', exponent=1.0),
            dict(type='ClassMix'),
        ),
        (tiny_segformer, {}, dict(type='ClassMedian', cap=0.9, scope='batch'), None),
        (
            tiny_pidnet,
            dict(logits_index=1, edge_width=4),
            None,
            dict(type='ClassMix'),
        ),
    ],
)
def test_any_segmentor_steps(segmentor, generator, labeler, mixing):
    model, optim_wrapper = make_model(
        segmentor,
        generator,
        pseudo_labeler=labeler,
        mixing=mixing,
        augmentation=AUGMENTATION,
    )
    before = copy.deepcopy(model.state_dict())
    log = step(model, optim_wrapper)
    assert all(value.isfinite() for value in log.values())
    for role in ('student', 'teacher'):
        assert any(
            not torch.equal(before[key], value)
            for key, value in model.state_dict().items()
            if key.startswith(role) and key.endswith('weight')
        ), role
    assert all(
        parameter.grad is None for parameter in model.teacher_generator.parameters()
    )


def test_the_teacher_starts_as_the_student_and_is_its_moving_average():
    model, optim_wrapper = make_model()
    students = [copy.deepcopy(model.student_generator.state_dict())]
    for key, value in model.teacher_generator.state_dict().items():
        assert torch.equal(value, students[0][key])
    expected = dict(students[0])
    for iteration in range(20):
        step(model, optim_wrapper, seed=iteration, iteration=iteration)
        student = model.student_generator.state_dict()
        decay = min(1 - 1 / (iteration + 2), 0.9)
        for key, value in student.items():
            expected[key] = (
                decay * expected[key] + (1 - decay) * value
                if value.is_floating_point()
                else value.clone()
            )
    # Weights and the statistics of BatchNorm alike.
    assert any('running_mean' in key for key in expected)
    for key, value in model.teacher_generator.state_dict().items():
        torch.testing.assert_close(value, expected[key])
    assert not torch.allclose(
        student['segmentor.decode_head.conv_seg.weight'],
        expected['segmentor.decode_head.conv_seg.weight'],
    )


def test_the_first_steps_are_a_plain_mean():
    model, optim_wrapper = make_model(decay=0.99)
    name = 'segmentor.decode_head.conv_seg.weight'
    weights = [model.student_generator.state_dict()[name].clone()]
    for iteration in range(3):
        step(model, optim_wrapper, seed=iteration, iteration=iteration)
        weights.append(model.student_generator.state_dict()[name].clone())
    torch.testing.assert_close(
        model.teacher_generator.state_dict()[name], torch.stack(weights).mean(0)
    )


def test_losses_equal_the_formula():
    """Source loss + weight * loss on the teacher's labels, weighed by pixel."""
    model, optim_wrapper = make_model(
        pseudo_labeler=dict(type='PixelConfidence', exponent=2.0),
        target_loss_weight=0.5,
    )
    twin = copy.deepcopy(model)
    log = step(model, optim_wrapper, seed=1)

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


def test_mixed_images_are_source_where_the_mask_says():
    model, _ = make_model(mixing=dict(type='ClassMix'))
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


def test_labels_of_the_target_are_not_looked_at():
    logs = []
    for labeled in (False, True):
        batch = domain_batch()
        if labeled:
            batch['target']['data_samples'] = batch['source']['data_samples']
        model, optim_wrapper = make_model()
        logs.append(step(model, optim_wrapper, batch=batch)['loss'])
    assert torch.equal(*logs)


def test_only_the_student_has_an_optimizer():
    model, _ = make_model()
    wrappers = ChildOptimWrapperConstructor(
        dict(student_generator=dict(optimizer=dict(type='SGD', lr=0.1)))
    )(model)
    assert list(wrappers.keys()) == ['student_generator']


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match='decay'):
        make_model(decay=1.0)
    with pytest.raises(TypeError, match='pseudo_labeler=None'):
        make_model(
            tiny_pidnet,
            dict(logits_index=1, edge_width=4),
            pseudo_labeler=dict(type='PixelConfidence', exponent=1.0),
        )
    model, optim_wrapper = make_model(mixing=dict(type='ClassMix'))
    batch = domain_batch()
    batch['target'] = domain_batch(size=(64, 96))['target']
    with pytest.raises(ValueError, match='source'):
        step(model, optim_wrapper, batch=batch)
