"""Methods with parts of one another, named in a config alone."""

import copy

import pytest
import torch
from mmengine.logging import MessageHub

from segda_mm.testing import domain_batch, tiny_bisenet, tiny_daformer

DISCRIMINATOR = dict(
    discriminator=dict(type='DSCDiscriminator', num_classes=4), student_adv_weight=0.3
)
MIXING = dict(mixing=dict(type='ClassMix'))
MASKING = dict(masking=dict(type='BlockMask', ratio=0.7, block_size=16))
#: Combinations, and the terms of the loss of the student, of weight 1 or as given.
COMBINATIONS = {
    'adversarial mean teacher': ('mean teacher', DISCRIMINATOR, 'source target'),
    'adversarial mean teacher, mixed images': (
        'mean teacher',
        DISCRIMINATOR | MIXING,
        'source target',
    ),
    'adversarial MIC': (
        'mean teacher',
        DISCRIMINATOR | MIXING | MASKING,
        'source target masked',
    ),
    'adversarial DAFormer': ('daformer', DISCRIMINATOR, 'source target'),
    'MIC with pseudo labels': (
        'adversarial',
        MASKING | dict(target_loss_weight=1.0, adv_weight=0.3),
        'source target masked',
    ),
    'MIC with Meta Pseudo Labels': (
        'mpl',
        MASKING | dict(student_adv_weight=0.3),
        'source target masked',
    ),
    'adversarial heavy DAFormer, MIC': (
        'heavy daformer',
        DISCRIMINATOR | MIXING | MASKING,
        'source target masked',
    ),
}


@pytest.mark.parametrize('name', COMBINATIONS)
def test_each_term_is_descended(make_model, name):
    method, changes, terms = COMBINATIONS[name]
    network = tiny_daformer if 'DAFormer' in name else tiny_bisenet
    model, optim_wrapper = make_model(method, network, **changes)
    role = 'generator' if method == 'adversarial' else 'student_generator'
    gradients = {}
    run = model.student_passes

    def watched(source, target):
        def of(compute):
            def compute_and_look():
                losses = compute()
                for key, value in losses.items():
                    weight = model.student.segmentor.decode_head.conv_seg.weight
                    if key != 'feature_distance.loss':
                        (gradient,) = torch.autograd.grad(
                            value, weight, retain_graph=True
                        )
                        gradients[key] = gradient.norm()
                return losses

            return compute_and_look

        return [of(compute) for compute in run(source, target)]

    model.student_passes = watched
    for step in range(2):
        MessageHub.get_current_instance().update_info('iter', step)
        before = copy.deepcopy(model.state_dict())
        batch = domain_batch(seed=2 * step)
        batch['target']['data_samples'] = domain_batch(1)['source']['data_samples']
        log = model.train_step(batch, optim_wrapper)
        expected = {f'{term}.loss': 1.0 for term in terms.split()}
        expected['adversarial.loss'] = 0.3
        assert gradients.keys() == expected.keys()
        assert all(norm > 0 for norm in gradients.values()), gradients
        if 'DAFormer' in name:
            expected['feature_distance.loss'] = 0.5
        total = sum(log[f'{role}.{key}'] * w for key, w in expected.items())
        own = 'student_generator.loss' if 'heavy' in method else 'loss'
        torch.testing.assert_close(log[own], total)
        discriminator = role.replace('generator', 'discriminator')
        assert log[f'{discriminator}.loss'] > 0
        for network in {role, discriminator}:
            assert any(
                not torch.equal(before[key], value)
                for key, value in model.state_dict().items()
                if key.startswith(f'{network}.') and key.endswith('weight')
            ), network


def test_the_discriminator_sees_target_images_without_parts_of_others(make_model):
    model, optim_wrapper = make_model('mean teacher', **DISCRIMINATOR, **MIXING)
    seen = []
    model.student_generator.segmentor.backbone.register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0])
    )
    judged = []
    model.student_discriminator.register_forward_pre_hook(
        lambda _, inputs: judged.append(inputs[0])
    )
    model.train_step(domain_batch(), optim_wrapper)
    batches = model.data_preprocessor(domain_batch(), True)
    source, mixed, target = seen
    assert torch.equal(source, batches['source']['inputs'])
    assert torch.equal(target, batches['target']['inputs'])
    assert not torch.equal(mixed, target)
    # The generator's term, then both domains.
    of_student, of_source, of_target = judged
    assert torch.equal(of_student, of_target)
    assert not torch.equal(of_source, of_target)


def test_teacher_and_student_of_mpl_may_be_different_networks(make_model):
    large = dict(type='SegmentorGenerator', segmentor=tiny_daformer())
    model, optim_wrapper = make_model('mpl', teacher_generator=large)
    head = model.teacher_generator.segmentor.decode_head
    assert type(head).__name__ == 'DAFormerHead'
    assert type(model.deployed.decode_head).__name__ == 'FCNHead'
    before = copy.deepcopy(model.state_dict())
    log = model.train_step(domain_batch(), optim_wrapper)
    assert all(torch.as_tensor(value).isfinite() for value in log.values())
    for network in ('student_generator', 'teacher_generator'):
        key = f'{network}.segmentor.decode_head.conv_seg.weight'
        assert not torch.equal(before[key], model.state_dict()[key])
    other = dict(type='SegmentorGenerator', segmentor=tiny_daformer(num_classes=5))
    with pytest.raises(ValueError, match='generator has 4 .*teacher_generator 5'):
        make_model('mpl', teacher_generator=other)
