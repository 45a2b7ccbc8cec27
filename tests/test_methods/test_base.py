"""The seam by which others extend a method."""

import pytest
import torch

from segda_mm.methods import BiSeNetDA, MeanTeacher, MetaPseudoLabels
from segda_mm.testing import domain_batch, tiny_bisenet, tiny_optim_wrapper

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


@pytest.mark.parametrize('name', METHODS)
def test_a_subclass_adds_a_term_of_the_passes_made(name):
    base, arguments, networks = METHODS[name]
    student = networks[0]

    class WithTerm(base):
        def student_losses(self, source, target):
            losses = super().student_losses(source, target)
            losses['feature.loss'] = 0.1 * source.result.features[-1].square().mean()
            losses['certainty'] = target.result.logits.softmax(1).amax(1).mean()
            return losses

    runs = []
    for method in (base, WithTerm):
        torch.manual_seed(0)
        model = method(
            generator=dict(type='SegmentorGenerator', segmentor=tiny_bisenet()),
            data_preprocessor=dict(
                type='DomainDataPreprocessor',
                mean=[128] * 3,
                std=[64] * 3,
                size_divisor=1,
            ),
            **arguments,
        )
        passes = []
        getattr(model, student).segmentor.backbone.register_forward_hook(
            lambda *_, passes=passes: passes.append(1)
        )
        torch.manual_seed(1)
        log = model.train_step(domain_batch(), tiny_optim_wrapper(model, *networks))
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
