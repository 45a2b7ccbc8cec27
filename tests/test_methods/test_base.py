"""What methods share: the network that predicts, and the seam to extend them."""

import copy

import pytest
import torch
from mmengine.logging import MessageHub

from segda_mm.methods import BiSeNetDA, MeanTeacher, MetaPseudoLabels
from segda_mm.testing import domain_batch, tiny_bisenet, tiny_optim_wrapper

ROLES = ('student', 'teacher')
METHODS = {
    'generator': (
        BiSeNetDA,
        dict(
            discriminator=dict(type='DSCDiscriminator', num_classes=4),
            adv_weight=0.001,
            target_loss_weight=0.0,
        ),
        ('generator', 'discriminator'),
    ),
    'mean teacher': (
        MeanTeacher,
        dict(
            mixing=None,
            pseudo_labeler=None,
            augmentation=None,
            decay=0.9,
            target_loss_weight=0.5,
            label_batch_statistics=True,
        ),
        ('student_generator',),
    ),
    'mpl': (
        MetaPseudoLabels,
        dict(
            discriminator=dict(type='DSCDiscriminator', num_classes=4),
            feedback_rule=dict(
                type='LossProductFeedback', growth_epochs=40, full_after_epoch=25
            ),
            student_adv_weight=0.001,
            teacher_adv_weight=1.0,
            pseudo_labeler=dict(type='ClassMedian', cap=0.9, scope='batch'),
            label_batch_statistics=False,
            uda_probability=0.0,
            uda_sigma=0.2,
        ),
        (
            'student_generator',
            'student_discriminator',
            'teacher_generator',
            'teacher_discriminator',
        ),
    ),
}


def make_model(name, method=None, **changes):
    base, arguments, networks = METHODS[name]
    torch.manual_seed(0)
    model = (method or base)(
        generator=dict(type='SegmentorGenerator', segmentor=tiny_bisenet()),
        data_preprocessor=dict(
            type='DomainDataPreprocessor', mean=[128] * 3, std=[64] * 3, size_divisor=1
        ),
        **{**arguments, **changes},
    )
    return model, tiny_optim_wrapper(model, *networks)


@pytest.mark.parametrize(
    'name, role',
    [('generator', None)]
    + [(name, role) for name in ('mean teacher', 'mpl') for role in ROLES],
)
def test_the_named_role_predicts(name, role):
    model, _ = make_model(name, **dict(predict_on=role) if role else {})
    generator = getattr(model, f'{role}_generator' if role else 'generator')
    assert model.deployed is generator.segmentor
    assert (model.num_classes, model.out_channels) == (4, 4)
    assert model.decode_head is generator.segmentor.decode_head
    model.eval()
    batch = model.data_preprocessor(domain_batch()['source'], False)
    expected = generator.segmentor.predict(
        batch['inputs'], copy.deepcopy(batch['data_samples'])
    )
    for mine, theirs in zip(model.test_step(domain_batch()['source']), expected):
        assert torch.equal(mine.pred_sem_seg.data, theirs.pred_sem_seg.data)


@pytest.mark.parametrize('name', ['mean teacher', 'mpl'])
def test_an_unknown_role_is_refused(name):
    with pytest.raises(ValueError, match="predict_on is 'pupil'.*student.*teacher"):
        make_model(name, predict_on='pupil')


@pytest.mark.parametrize('name', METHODS)
def test_a_subclass_adds_a_term_of_the_passes_made(name):
    base, _, (student, *_) = METHODS[name]

    class WithTerm(base):
        def student_losses(self, source, target):
            losses = super().student_losses(source, target)
            losses['feature.loss'] = 0.1 * source.result.features[-1].square().mean()
            losses['certainty'] = target.result.logits.softmax(1).amax(1).mean()
            return losses

    runs = []
    for method in (base, WithTerm):
        model, optim_wrapper = make_model(name, method)
        passes = []
        getattr(model, student).segmentor.backbone.register_forward_hook(
            lambda *_, passes=passes: passes.append(1)
        )
        torch.manual_seed(1)
        log = model.train_step(domain_batch(), optim_wrapper)
        assert len(passes) == 2
        runs.append((log, getattr(model, student).segmentor.backbone.state_dict()))
    (plain, before), (extended, after) = runs
    added = extended[f'{student}.feature.loss']
    assert added > 0
    torch.testing.assert_close(extended['loss'], plain['loss'] + added)
    assert 0.25 < extended[f'{student}.certainty'] < 1
    for key in plain.keys() & {f'{student}.source.loss', f'{student}.target.loss'}:
        assert torch.equal(extended[key], plain[key])
    assert any(not torch.equal(value, after[key]) for key, value in before.items())


def test_losses_without_a_pass_are_refused():
    class WithoutPass(BiSeNetDA):
        def student_losses(self, source, target):
            loss = next(self.generator.parameters()).square().mean()
            return {'source.loss': loss, 'adversarial.loss': loss}

    model, optim_wrapper = make_model('generator', WithoutPass)
    MessageHub.get_current_instance().update_info('iter', 1)
    with pytest.raises(ValueError, match='without a pass.*passed_through'):
        model.train_step(domain_batch(), optim_wrapper)
