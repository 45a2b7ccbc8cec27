import copy

import pytest
import torch
import torch.nn.functional as F

from segda_mm.methods.steps import DomainBatch
from segda_mm.ops.distillation import distillation_divergence
from segda_mm.testing import (
    TINY_SEGMENTORS,
    domain_batch,
    tiny_bisenet,
    tiny_daformer,
)


def light_of(segmentor):
    return dict(type='SegmentorGenerator', segmentor=segmentor)


def test_losses_of_the_light_student_equal_the_formula(make_model, without_dropout):
    """Labels and doubts of the average of the large one, on mixed images."""
    model, optim_wrapper = make_model(
        'heavy teacher',
        tiny_daformer,
        light_generator=light_of(without_dropout()),
        mixing=dict(type='ClassMix'),
        pseudo_labeler=dict(type='PixelConfidence', exponent=2.0),
        target_loss_weight=0.5,
        distillation_weight=0.3,
        temperature=2.0,
    )
    light = copy.deepcopy(model.light_generator)
    teacher = copy.deepcopy(model.teacher_generator).train()
    teacher.segmentor.decode_head.dropout.eval()
    seen = []
    model.light_generator.segmentor.backbone.register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0])
    )
    torch.manual_seed(3)
    log = model.train_step(domain_batch(), optim_wrapper)

    batches = model.data_preprocessor(domain_batch(), True)
    source, inputs = batches['source'], batches['target']['inputs']
    truth = torch.cat([sample.gt_sem_seg.data for sample in source['data_samples']])
    source_images, mixed = seen
    assert torch.equal(source_images, source['inputs'])
    pasted = (mixed == source['inputs']).all(1)
    assert 0 < pasted.float().mean() < 1
    assert torch.equal(mixed, torch.where(pasted[:, None], source['inputs'], inputs))
    teacher_logits = teacher.infer(inputs).logits.detach()
    confidence, labels = teacher_logits.softmax(1).max(1)
    weights = torch.where(pasted, 1, confidence**2)
    labels = torch.where(pasted, truth, labels)

    def loss(images, labels, weights):
        segmentor, total = light.segmentor, 0
        features = segmentor.extract_feat(images)
        for head in (segmentor.decode_head, *segmentor.auxiliary_head):
            maps = F.interpolate(head(features), size=images.shape[2:], mode='bilinear')
            losses = F.cross_entropy(maps, labels, reduction='none')
            total += (losses * weights).mean()
        return total.detach()

    expected = dict(
        source=loss(source['inputs'], truth, torch.ones(())),
        target=loss(mixed, labels, weights),
    )
    # The same statistics of the batch as in the pass above.
    divergence = distillation_divergence(light.infer(mixed).logits, teacher_logits, 2.0)
    expected['distillation'] = (divergence.detach() * ~pasted).mean()
    for part, value in expected.items():
        torch.testing.assert_close(log[f'light_generator.{part}.loss'], value)
    torch.testing.assert_close(
        log['loss'],
        expected['source'] + 0.5 * expected['target'] + 0.3 * expected['distillation'],
    )
    torch.testing.assert_close(
        log['student_generator.loss'],
        log['student_generator.source.loss']
        + 0.5 * log['student_generator.target.loss'],
    )


def test_no_network_learns_from_the_losses_of_another(make_model):
    model, _ = make_model('heavy teacher', tiny_daformer)
    batches = model.data_preprocessor(domain_batch(), True)
    source = DomainBatch(**batches['source'])
    target = DomainBatch(batches['target']['inputs'], source.data_samples)
    target.labeled_by = model.teacher_generator.infer(target.inputs)
    light = model.light_source_losses(source) | model.light_target_losses(target)
    assert set(light) == {'source.loss', 'target.loss', 'distillation.loss'}
    for key, value in light.items():
        model.zero_grad()
        value.backward(retain_graph=True)
        for name, parameter in model.named_parameters():
            # All of it but, for one term, the heads that it does not see.
            learns = name.startswith('light_generator.')
            unseen = key == 'distillation.loss' and 'auxiliary_head' in name
            assert (parameter.grad is not None) == (learns and not unseen), name
    source.result = target.result = None
    model.zero_grad()
    sum(model.student_losses(source, target).values()).backward()
    for name, parameter in model.named_parameters():
        learns = name.startswith('student_generator.')
        assert (parameter.grad is not None) == learns, name


@pytest.mark.parametrize('name', ['heavy teacher', 'heavy daformer'])
def test_the_large_networks_adapt_as_without_the_light_one(make_model, name):
    """To the last bit, whatever the light one is and learns from."""
    start, ends = None, []
    for kind, changes in (
        (name.replace('heavy teacher', 'mean teacher').removeprefix('heavy '), {}),
        (name, dict(light_generator=light_of(TINY_SEGMENTORS[2][0]()))),
        (name, dict(distillation_weight=0.0)),
    ):
        model, optim_wrapper = make_model(kind, tiny_daformer, **changes)
        start = start or copy.deepcopy(model.state_dict())
        model.load_state_dict(start, strict=False)
        torch.manual_seed(1)
        log = model.train_step(domain_batch(), optim_wrapper)
        assert ('light_generator.distillation.loss' in log) == (
            'light_generator' in changes
        )
        ends.append(
            {
                key: value
                for key, value in model.state_dict().items()
                if key.startswith(('student_generator.', 'teacher_generator.'))
            }
        )
    for key, value in ends[0].items():
        assert torch.equal(value, ends[1][key]), key
        assert torch.equal(value, ends[2][key]), key


@pytest.mark.parametrize('role', ['light', 'student', 'teacher'])
def test_the_named_network_is_deployed(make_model, role):
    model, _ = make_model('heavy teacher', tiny_daformer, predict_on=role)
    assert model.deployed is getattr(model, f'{role}_generator').segmentor
    model.eval()
    sample = model.test_step(domain_batch()['source'])[0]
    inputs = model.data_preprocessor(domain_batch()['source'], False)['inputs']
    logits = getattr(model, f'{role}_generator').infer(inputs[:1]).logits
    assert torch.equal(sample.pred_sem_seg.data[0], logits[0].argmax(0))


def test_gradients_pass_by_pass_are_those_of_all_passes(make_model):
    ends = []
    for backward_per_pass in (False, True):
        model, optim_wrapper = make_model(
            'heavy daformer', tiny_daformer, backward_per_pass=backward_per_pass
        )
        model.double()
        for _, wrapper in optim_wrapper.items():
            wrapper.optimizer.param_groups[0]['lr'] = 1.0
        torch.manual_seed(1)
        model.train_step(domain_batch(), optim_wrapper)
        ends.append(model.state_dict())
    for key, value in ends[0].items():
        torch.testing.assert_close(value, ends[1][key], rtol=0, atol=1e-12, msg=key)


def test_wrong_settings_are_refused(make_model):
    with pytest.raises(ValueError, match='temperature is 0.*above 0'):
        make_model('heavy teacher', temperature=0.0)
    light = light_of(tiny_bisenet(num_classes=5))
    with pytest.raises(ValueError, match='has 5 classes and model.generator 4'):
        make_model('heavy teacher', light_generator=light)
    light = dict(light_of(TINY_SEGMENTORS[3][0]()), **TINY_SEGMENTORS[3][1])
    weights = dict(type='PixelConfidence', exponent=1.0)
    with pytest.raises(TypeError, match='PIDHead.*pseudo_labeler=None'):
        make_model('heavy teacher', light_generator=light, pseudo_labeler=weights)
    with pytest.raises(ValueError, match="predict_on is 'pupil'.*light"):
        make_model('heavy teacher', predict_on='pupil')
