import copy

import pytest
import torch

from segda_mm.methods import labeling_pass, meta_pseudo_labels
from segda_mm.methods.modes import batch_statistics
from segda_mm.methods.steps import sum_losses
from segda_mm.ops.pseudo_labels import class_medians
from segda_mm.testing import domain_batch

CHANGE = dict(type='StudentLossChangeFeedback', baseline_momentum=None)


def test_h_is_the_product_of_the_student_losses(make_model):
    model, optim_wrapper = make_model('mpl')
    model.set_progress(10, 50)
    log = model.train_step(domain_batch(), optim_wrapper)
    alpha = torch.tensor(10 / 40).expm1()
    expected = (
        alpha
        * 0.01
        * log['student_generator.source.loss']
        * log['student_generator.target.loss']
    )
    torch.testing.assert_close(log['mpl.h'], expected)
    torch.testing.assert_close(log['mpl.alpha'], alpha)
    torch.testing.assert_close(
        log['teacher_generator.loss'],
        log['teacher_generator.source.loss']
        + log['teacher_generator.adversarial.loss']
        + expected * log['teacher_generator.target.loss'],
    )


def test_loss_change_is_measured_around_the_student_step(make_model, monkeypatch):
    model, optim_wrapper = make_model('mpl', feedback_rule=CHANGE)
    states = [copy.deepcopy(model.student_generator.state_dict())]
    step = meta_pseudo_labels.adversarial_step

    def recording_step(method, roles, *args):
        generator = getattr(method, roles[0])
        states.append(copy.deepcopy(generator.state_dict()))
        result = step(method, roles, *args)
        states.append(copy.deepcopy(generator.state_dict()))
        return result

    monkeypatch.setattr(meta_pseudo_labels, 'adversarial_step', recording_step)
    log = model.train_step(domain_batch(), optim_wrapper)
    # Measuring leaves no trace, in the statistics of BatchNorm neither.
    states.append(model.student_generator.state_dict())
    for before, after in (states[:2], states[2::3]):
        assert all(torch.equal(value, after[key]) for key, value in before.items())
    assert all(module.training for module in model.modules())
    source = model.data_preprocessor(domain_batch(), True)['source']
    losses = []
    twin = copy.deepcopy(model.student_generator).eval()
    for state in states[1:3]:
        twin.load_state_dict(state)
        with torch.no_grad(), batch_statistics(twin):
            losses.append(sum_losses(twin(**source)[0]))
    torch.testing.assert_close(log['mpl.h'], losses[0] - losses[1])
    assert log['mpl.h'] != 0


def test_target_labels_are_those_of_the_teacher(make_model):
    model, optim_wrapper = make_model('mpl')
    inputs = model.data_preprocessor(domain_batch(), True)['target']['inputs']
    target, shared = model.label_target(inputs, optim_wrapper['teacher_generator'])
    assert shared is None
    with torch.no_grad():
        _, logits = copy.deepcopy(model.teacher_generator).eval()(inputs)
    for sample, probs in zip(target.data_samples, logits.softmax(1)):
        confidence, labels = probs.max(0)
        limits = class_medians(confidence, labels, 4).nan_to_num().clamp(max=0.9)
        expected = labels.masked_fill(confidence < limits[labels], 255)
        # The confidence of the rest is a median but for rounding.
        clear = (confidence - limits[labels]).abs() > 1e-6
        assert torch.equal(sample.gt_sem_seg.data[0][clear], expected[clear])
        assert clear.float().mean() > 0.99 and (expected == 255).any()


def test_learning_from_the_labelling_pass_changes_nothing(
    make_model, without_dropout, monkeypatch
):
    weights = []
    for shared in (True, False):
        model, optim_wrapper = make_model(
            'mpl', without_dropout, label_batch_statistics=True
        )
        model.set_progress(30, 50)
        if not shared:
            monkeypatch.setattr(labeling_pass, 'random_parts', lambda *_: (True, False))
        torch.manual_seed(1)
        for step in range(4):
            log = model.train_step(domain_batch(seed=2 * step), optim_wrapper)
        weights.append(
            {
                key: value
                for key, value in model.state_dict().items()
                # Only the order of the batches is another one for them.
                if not ('teacher' in key and 'running' in key)
            }
        )
    assert log['mpl.h'] > 0
    for key, value in weights[1].items():
        assert torch.equal(weights[0][key], value), key


def test_student_and_teacher_start_from_their_checkpoints(make_model, tmp_path):
    donor, _ = make_model('mpl')
    file = str(tmp_path / 'donor.pth')
    torch.save(dict(state_dict=donor.state_dict()), file)
    origins = dict(student='teacher', teacher='student')
    starts = {
        f'{role}_checkpoint': dict(
            checkpoint=file, checkpoint_prefix=f'{origin}_generator.segmentor.'
        )
        for role, origin in origins.items()
    }
    model, _ = make_model('mpl', **starts)
    torch.manual_seed(5)
    model.init_weights()
    for role, origin in origins.items():
        weights = getattr(model, f'{role}_generator').state_dict()
        for key, value in getattr(donor, f'{origin}_generator').state_dict().items():
            assert torch.equal(weights[key], value)


@pytest.mark.parametrize('roles', [('teacher',), ('student',), ('student', 'teacher')])
def test_a_discriminator_starts_from_the_file_of_its_generator(
    make_model, tmp_path, roles
):
    donor, _ = make_model('adversarial')
    for weight in donor.parameters():
        weight.data += 1
    file = str(tmp_path / 'donor.pth')
    torch.save(dict(state_dict=donor.state_dict()), file)
    start = dict(
        checkpoint=file,
        checkpoint_prefix='generator.segmentor.',
        discriminator_prefix='discriminator.',
    )
    model, _ = make_model('mpl', **{f'{role}_checkpoint': start for role in roles})
    torch.manual_seed(5)
    model.init_weights()
    for role in ('student', 'teacher'):
        for part in ('generator', 'discriminator'):
            own = getattr(model, f'{role}_{part}').state_dict()
            theirs = getattr(donor, part).state_dict()
            assert (role in roles) == all(
                map(torch.equal, own.values(), theirs.values())
            )


def test_a_file_without_a_discriminator_is_named(make_model, tmp_path):
    donor, _ = make_model('adversarial')
    file = str(tmp_path / 'donor.pth')
    torch.save(donor.generator.segmentor.state_dict(), file)
    start = dict(checkpoint=file, discriminator_prefix='discriminator.')
    model, _ = make_model('mpl', teacher_checkpoint=start)
    with pytest.raises(ValueError, match='donor.*`discriminator_prefix`'):
        model.init_weights()
    start['discriminator_prefix'] = None
    make_model('mpl', teacher_checkpoint=start)[0].init_weights()
