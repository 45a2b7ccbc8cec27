import copy

import pytest
import torch
from mmengine.optim import OptimWrapperDict
from torch.utils._python_dispatch import TorchDispatchMode

from segda_mm.engine.optimizers import (
    GradientAveragingBFloat16OptimWrapper,
    GradientAveragingOptimWrapper,
)
from segda_mm.methods import (
    PseudoLabeler,
    PseudoLabels,
    labeling_pass,
    meta_pseudo_labels,
)
from segda_mm.methods.steps import sum_losses
from segda_mm.ops.pseudo_labels import class_medians
from segda_mm.testing import domain_batch, tiny_bisenet

CHANGE = dict(type='StudentLossChangeFeedback', baseline_momentum=None)


@pytest.mark.parametrize('changes', [{}, dict(feedback_rule=CHANGE)])
def test_bfloat16_steps_close_to_full_precision(make_model, changes):
    logs = []
    for wrapper in (
        GradientAveragingOptimWrapper,
        GradientAveragingBFloat16OptimWrapper,
    ):
        model, wrappers = make_model('mpl', **changes)
        model.set_progress(10, 50)
        wrappers = OptimWrapperDict(
            **{
                name: wrapper(torch.optim.SGD(getattr(model, name).parameters(), 0.01))
                for name, _ in wrappers.items()
            }
        )
        torch.manual_seed(1)
        logs.append(model.train_step(domain_batch(), wrappers))
    full, half = logs
    for role in ('student', 'teacher'):
        loss = f'{role}_generator.source.loss'
        assert half[loss] != full[loss]
        torch.testing.assert_close(half[loss], full[loss], rtol=0.02, atol=0)
        assert half[f'{role}_discriminator.loss'].isfinite()


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


def test_without_trust_the_teacher_does_not_learn_from_its_labels(make_model):
    """At epoch 0 alpha is 0: the pseudo labels must not matter to it."""
    states = []
    for changes in (dict(pseudo_labeler=None), {}):
        model, optim_wrapper = make_model('mpl', **changes)
        torch.manual_seed(1)
        log = model.train_step(domain_batch(), optim_wrapper)
        states.append((log['pseudo.kept_ratio'], model.state_dict()))
    assert states[0][0] == 1 and states[1][0] < 1
    for key, value in states[0][1].items():
        if key.startswith('teacher'):
            assert torch.equal(value, states[1][1][key]), key
    assert any(
        not torch.equal(value, states[1][1][key])
        for key, value in states[0][1].items()
        if key.startswith('student_generator')
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
        with torch.no_grad():
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
        assert torch.equal(sample.gt_sem_seg.data[0], expected)
        assert (expected == 255).any()


def without_dropout():
    config = tiny_bisenet()
    for head in (config.decode_head, *config.auxiliary_head):
        head.dropout_ratio = 0
    return config


def test_learning_from_the_labelling_pass_changes_nothing(make_model, monkeypatch):
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


class HostWaits(TorchDispatchMode):
    """Counts operations whose result the host has to wait for on a GPU."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        name = operation.__name__
        by_mask = name.startswith('index.') and any(
            index is not None and index.dtype == torch.bool for index in args[1]
        )
        waits = ('_local_scalar_dense', 'nonzero', 'masked_select', 'bincount')
        self.count += by_mask or name.startswith(waits)
        return operation(*args, **(kwargs or {}))


def test_a_step_does_not_wait_for_its_device(make_model, monkeypatch):
    config = tiny_bisenet()
    for head in (config.decode_head, *config.auxiliary_head):
        head.loss_decode = dict(type='PixelCrossEntropyLoss')
    model, optim_wrapper = make_model(
        'mpl', lambda: config, label_batch_statistics=True, uda_probability=1.0
    )
    # The ratio of gradients is measured now and then, and the coin lies on the CPU.
    monkeypatch.setattr(meta_pseudo_labels, 'is_due', lambda _: False)
    with HostWaits() as coin:
        model._uda_view(torch.zeros(1, 3, 4, 4))
    with HostWaits() as step:
        model.train_step(domain_batch(), optim_wrapper)
    assert (coin.count, step.count) == (1, 1)


class EveryPixelAlike(PseudoLabeler):
    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def forward(self, confidence, labels, num_classes):
        return PseudoLabels(labels, torch.full_like(confidence, self.weight))


def test_weights_of_pixels_reach_the_losses(make_model):
    logs = []
    for weight in (1.0, 0.5):
        model, optim_wrapper = make_model(
            'mpl', pseudo_labeler=dict(type=EveryPixelAlike, weight=weight)
        )
        torch.manual_seed(1)
        logs.append(model.train_step(domain_batch(), optim_wrapper))
    whole, half = logs
    key = 'student_generator.target.loss'
    torch.testing.assert_close(half[key] * 2, whole[key])
    assert whole['pseudo.kept_ratio'] == half['pseudo.kept_ratio'] == 1


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
