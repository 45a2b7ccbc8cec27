"""What methods share: the network that predicts, and the seam to extend them."""

import copy

import pytest
import torch
from mmengine.logging import MessageHub

from segda_mm.methods import BiSeNetDA, MeanTeacher, MetaPseudoLabels
from segda_mm.testing import (
    TINY_SEGMENTORS,
    domain_batch,
    tiny_bisenet,
    tiny_daformer,
)

METHODS = {
    'adversarial': (BiSeNetDA, 'generator'),
    'mean teacher': (MeanTeacher, 'student_generator'),
    'mpl': (MetaPseudoLabels, 'student_generator'),
}
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
MASKING = dict(type='BlockMask', ratio=0.7, block_size=16)
CHANGE = dict(type='StudentLossChangeFeedback', baseline_momentum=None)
#: One variant of each method for each segmentor.
VARIANTS = {
    'adversarial': [dict(target_loss_weight=1.0)] * 4,
    'mean teacher': [
        dict(
            pseudo_labeler=dict(type='ConfidentShare', threshold=0.3),
            mixing=dict(type='CutMix', min_share=0.2, max_share=0.5),
            augmentation=AUGMENTATION,
        ),
        dict(
            pseudo_labeler=dict(type='PixelConfidence', exponent=1.0),
            mixing=dict(type='ClassMix'),
        ),
        dict(pseudo_labeler=dict(type='ClassMedian', cap=0.9, scope='batch')),
        dict(mixing=dict(type='ClassMix'), augmentation=AUGMENTATION),
    ],
    'mpl': [
        dict(uda_probability=1.0),
        dict(feedback_rule=CHANGE),
        dict(label_batch_statistics=True),
        dict(feedback_rule=CHANGE, label_batch_statistics=True),
    ],
}


def labeled_target_batch():
    batch = domain_batch()
    batch['target']['data_samples'] = domain_batch(seed=1)['source']['data_samples']
    return batch


@pytest.mark.parametrize(
    'name, segmentor, changes',
    [
        (name, segmentor, changes)
        for name, variants in VARIANTS.items()
        for segmentor, changes in zip(TINY_SEGMENTORS, variants)
    ],
)
def test_any_segmentor_steps_and_all_networks_move(
    make_model, name, segmentor, changes
):
    model, optim_wrapper = make_model(name, *segmentor, **changes)
    before = copy.deepcopy(model.state_dict())
    log = model.train_step(labeled_target_batch(), optim_wrapper)
    assert all(torch.as_tensor(value).isfinite() for value in log.values())
    assert ('teacher_generator.uda.loss' in log) == ('uda_probability' in changes)
    for network, _ in model.named_children():
        if network.endswith(('generator', 'discriminator')):
            assert any(
                not torch.equal(before[key], value)
                for key, value in model.state_dict().items()
                if key.startswith(network) and key.endswith('weight')
            ), network
    if name == 'mean teacher':
        assert all(p.grad is None for p in model.teacher_generator.parameters())


@pytest.mark.parametrize('name', METHODS)
def test_a_plain_network_of_mmseg_brings_its_preprocessor(make_model, name):
    """As its config has it: in the model, of crops or without a size."""
    own = dict(type='SegDataPreProcessor', mean=[128] * 3, std=[64] * 3)

    def plain():
        return dict(tiny_bisenet(), pretrained=None, data_preprocessor=own)

    losses = []
    for given in (
        dict(),
        dict(segmentor=plain, data_preprocessor=None),
        dict(data_preprocessor=dict(own, size=(64, 64))),
    ):
        model, optim_wrapper = make_model(name, **given)
        torch.manual_seed(1)
        losses.append(model.train_step(domain_batch(), optim_wrapper)['loss'])
    assert torch.equal(losses[0], losses[1]) and torch.equal(losses[0], losses[2])


@pytest.mark.parametrize('name', ['mean teacher', 'mpl'])
def test_labels_of_the_target_are_not_looked_at(make_model, name):
    losses = []
    for batch in (domain_batch(), labeled_target_batch()):
        model, optim_wrapper = make_model(name)
        torch.manual_seed(1)
        losses.append(model.train_step(batch, optim_wrapper)['loss'])
    assert torch.equal(*losses)


@pytest.mark.parametrize(
    'name, role',
    [
        ('adversarial', None),
        ('mean teacher', 'student'),
        ('mean teacher', 'teacher'),
        ('mpl', 'teacher'),
    ],
)
def test_the_named_role_predicts(make_model, name, role):
    model, _ = make_model(name, **dict(predict_on=role) if role else {})
    generator = getattr(model, f'{role}_generator' if role else 'generator')
    assert model.deployed is generator.segmentor
    assert (model.num_classes, model.out_channels) == (4, 4)
    model.eval()
    batch = model.data_preprocessor(domain_batch()['source'], False)
    expected = generator.segmentor.predict(
        batch['inputs'], copy.deepcopy(batch['data_samples'])
    )
    for mine, theirs in zip(model.test_step(domain_batch()['source']), expected):
        assert torch.equal(mine.pred_sem_seg.data, theirs.pred_sem_seg.data)


@pytest.mark.parametrize('name', ['mean teacher', 'mpl'])
def test_wrong_settings_are_refused(make_model, name):
    with pytest.raises(ValueError, match="predict_on is 'pupil'.*student.*teacher"):
        make_model(name, predict_on='pupil')
    weights = dict(type='PixelConfidence', exponent=1.0)
    with pytest.raises(TypeError, match='PIDHead.*pseudo_labeler=None'):
        make_model(name, *TINY_SEGMENTORS[-1], pseudo_labeler=weights)


@pytest.mark.parametrize('name', METHODS)
def test_a_subclass_adds_a_term_of_the_passes_made(make_model, name):
    method, student = METHODS[name]

    class WithTerm(method):
        def student_losses(self, source, target):
            losses = super().student_losses(source, target)
            losses['feature.loss'] = 0.1 * source.result.features[-1].square().mean()
            losses['certainty'] = target.result.logits.softmax(1).amax(1).mean()
            return losses

    runs = []
    for subclass in (method, WithTerm):
        model, optim_wrapper = make_model(name, subclass=subclass)
        backbone = getattr(model, student).segmentor.backbone
        passes = []
        backbone.register_forward_hook(lambda *_, passes=passes: passes.append(1))
        torch.manual_seed(1)
        log = model.train_step(domain_batch(), optim_wrapper)
        assert len(passes) == 2
        runs.append((log, backbone.state_dict()))
    (plain, before), (extended, after) = runs
    added = extended[f'{student}.feature.loss']
    assert added > 0
    torch.testing.assert_close(extended['loss'], plain['loss'] + added)
    assert 0.25 < extended[f'{student}.certainty'] < 1
    for key in plain.keys() & {f'{student}.source.loss', f'{student}.target.loss'}:
        assert torch.equal(extended[key], plain[key])
    assert any(not torch.equal(value, after[key]) for key, value in before.items())


#: Every term that there is.
WITH_ALL_TERMS = {
    'adversarial': dict(
        target_loss_weight=0.5,
        unlabeled_losses=[dict(type='EntropyLoss', loss_weight=0.3)],
        masking=MASKING,
        gradient_ratio_interval=1,
    ),
    'mean teacher': dict(mixing=dict(type='ClassMix'), masking=MASKING),
    'daformer': dict(segmentor=tiny_daformer, min_thing_share=0.2, masking=MASKING),
    'mpl': dict(
        feedback_rule=dict(type='GradientFeedback'),
        masking=MASKING,
        student_adv_weight=0.5,
        uda_probability=1.0,
        gradient_ratio_interval=1,
    ),
}


@pytest.mark.parametrize('name', WITH_ALL_TERMS)
def test_gradients_pass_by_pass_are_those_of_all_passes(
    make_model, without_dropout, name
):
    """Also where an update averages the gradients of two batches."""
    ends = []
    # The teacher of Meta Pseudo Labels passes at another time, with other draws.
    settings = dict(segmentor=without_dropout) | WITH_ALL_TERMS[name]
    for backward_per_pass in (False, True):
        model, optim_wrapper = make_model(
            name, backward_per_pass=backward_per_pass, **settings
        )
        model.double()
        for _, wrapper in optim_wrapper.items():
            wrapper.optimizer.param_groups[0]['lr'] = 1.0
            wrapper._accumulative_counts = 2
        order = []
        decode_head = model.student.segmentor.decode_head
        decode_head.register_forward_hook(
            lambda *_, order=order: order.append('forward' * torch.is_grad_enabled())
        )
        decode_head.conv_seg.weight.register_hook(
            lambda _, order=order: order.append('backward')
        )
        torch.manual_seed(1)
        logs = [model.train_step(labeled_target_batch(), optim_wrapper)]
        steps = [step for step in order if step]
        logs.append(model.train_step(labeled_target_batch(), optim_wrapper))
        ends.append((logs, model.state_dict(), steps))
    (logs, joint, at_once), (logs_by_pass, by_pass, in_turn) = ends
    assert all(wrapper._inner_count == 2 for _, wrapper in optim_wrapper.items())
    for one, other in zip(logs, logs_by_pass):
        assert one.keys() == other.keys()
        for key, value in one.items():
            torch.testing.assert_close(value, other[key], rtol=1e-9, atol=1e-9)
    for key, value in joint.items():
        torch.testing.assert_close(value, by_pass[key], rtol=0, atol=1e-12, msg=key)
    # Source, target and masked target.
    assert at_once[:3] == ['forward'] * 3
    if name in ('mean teacher', 'daformer'):
        assert in_turn == ['forward', 'backward'] * 3
    else:
        assert in_turn.index('backward') == 1


def test_no_graph_of_the_labels_is_held_pass_by_pass(make_model):
    for backward_per_pass in (False, True):
        model, optim_wrapper = make_model(
            'mpl', label_batch_statistics=True, backward_per_pass=backward_per_pass
        )
        inputs = model.data_preprocessor(domain_batch(), True)['target']['inputs']
        _, result = model.label_target(inputs, optim_wrapper['teacher_generator'])
        assert (result is None) == backward_per_pass


def test_a_term_that_passes_share_has_no_place_pass_by_pass(make_model):
    class OfAllPasses(BiSeNetDA):
        def student_losses(self, source, target):
            return super().student_losses(source, target)

    make_model('adversarial', subclass=OfAllPasses)
    with pytest.raises(ValueError, match='OfAllPasses extends student_losses'):
        make_model('adversarial', subclass=OfAllPasses, backward_per_pass=True)


def test_losses_without_a_pass_are_refused(make_model):
    class WithoutPass(BiSeNetDA):
        def student_losses(self, source, target):
            loss = next(self.generator.parameters()).square().mean()
            return {'source.loss': loss, 'adversarial.loss': loss}

    model, optim_wrapper = make_model('adversarial', subclass=WithoutPass)
    MessageHub.get_current_instance().update_info('iter', 1)
    with pytest.raises(ValueError, match='without a pass.*passed_through'):
        model.train_step(domain_batch(), optim_wrapper)
