"""What is measured around a student's step, against hand-made differences."""

import copy

import pytest
import torch
from mmengine.optim import OptimWrapperDict

from segda_mm.engine.optimizers import (
    GradientAveragingBFloat16OptimWrapper,
    GradientAveragingOptimWrapper,
)
from segda_mm.methods.modes import batch_statistics, evaluating
from segda_mm.methods.steps import sum_losses
from segda_mm.testing import TINY_SEGMENTORS, domain_batch

CHANGE = dict(type='StudentLossChangeFeedback', baseline_momentum=None)
GRADIENT = dict(type='GradientFeedback')


@pytest.mark.parametrize(('segmentor', 'generator'), TINY_SEGMENTORS)
def test_a_student_that_stands_still_gains_nothing(make_model, segmentor, generator):
    """Its step moves BatchNorm's running statistics, and draws dropout anew."""
    model, wrappers = make_model('mpl', segmentor, generator, feedback_rule=CHANGE)
    (group,) = wrappers['student_generator'].param_groups
    group['lr'] = 0.0
    for seed in (0, 2):
        before = copy.deepcopy(model.student_generator.state_dict())
        log = model.train_step(domain_batch(seed), wrappers)
        assert log['mpl.labeled_gain'] == 0
        assert any(
            not torch.equal(before[key], value)
            for key, value in model.student_generator.state_dict().items()
        )
    group['lr'] = 0.01
    assert model.train_step(domain_batch(4), wrappers)['mpl.labeled_gain'] != 0


class Scaled(GradientAveragingOptimWrapper):
    """As in float16, but for the rounding; the scale changes with each step."""

    def __init__(self, *args, scale=2.0**16, **kwargs):
        super().__init__(*args, **kwargs)
        self.loss_scaler = torch.amp.GradScaler('cpu', init_scale=scale)

    def step(self, **kwargs):
        super().step(**kwargs)
        self.loss_scaler = torch.amp.GradScaler('cpu', init_scale=8.0)


def with_wrapper(model, wrappers, kind, **kwargs):
    """The student's wrapper in another kind."""
    members = dict(wrappers.items())
    optimizer = torch.optim.SGD(model.student_generator.parameters(), 0.1, momentum=0.9)
    members['student_generator'] = kind(optimizer, **kwargs)
    return OptimWrapperDict(**members)


def in_double(model):
    """Weights and images in float64, for differences that are small."""

    def doubled(module, arguments, batches):
        for batch in batches.values():
            batch['inputs'] = batch['inputs'].double()

    model.data_preprocessor.register_forward_hook(doubled)
    return model.double()


def moved(generator, direction, length):
    """A copy with weights that lie somewhere along a direction."""
    twin = copy.deepcopy(generator)
    with torch.no_grad():
        for weight, part in zip(twin.parameters(), direction, strict=True):
            weight += length * part
    return twin


def labeled_loss(generator, source):
    with evaluating([generator]), batch_statistics(generator):
        return sum_losses(generator(source['inputs'], source['data_samples'])[0])


@pytest.mark.parametrize(
    ('kind', 'kwargs'),
    [
        (GradientAveragingOptimWrapper, {}),
        (GradientAveragingOptimWrapper, dict(clip_grad=dict(max_norm=0.01))),
        (GradientAveragingOptimWrapper, dict(accumulative_counts=2)),
        (Scaled, {}),
    ],
)
def test_the_product_of_gradients(make_model, without_dropout, kind, kwargs):
    """Against the change of each loss along the gradient of the other."""
    model, wrappers = make_model(
        'mpl', without_dropout, feedback_rule=GRADIENT, pseudo_labeler=None
    )
    in_double(model)
    wrappers = with_wrapper(model, wrappers, kind, **kwargs)
    source = model.data_preprocessor(domain_batch(), True)['source']
    inputs = model.data_preprocessor(domain_batch(), True)['target']['inputs']
    labeled, _ = model.label_target(inputs, wrappers['teacher_generator'])
    before = copy.deepcopy(model.student_generator)
    log = model.train_step(domain_batch(), wrappers)
    after = copy.deepcopy(model.student_generator)

    def pseudo_loss(generator):
        return sum_losses(generator(inputs, labeled.data_samples)[0])

    def true_loss(generator):
        return labeled_loss(generator, source)

    for loss, other, at, other_at in (
        (pseudo_loss, true_loss, before, after),
        (true_loss, pseudo_loss, after, before),
    ):
        direction = torch.autograd.grad(other(other_at), other_at.parameters())
        # So small that no kink of a ReLU lies between.
        size = 1e-8
        with torch.no_grad():
            ahead, behind = (
                loss(moved(at, direction, length)) for length in (size, -size)
            )
        expected = 0.1 * (ahead - behind) / (2 * size)
        torch.testing.assert_close(log['mpl.h'], expected, rtol=1e-5, atol=0)
    assert log['mpl.h'] != 0


def test_measuring_gradients_leaves_no_trace(make_model):
    """Step, statistics and gradients are those of a rule that asks for nothing."""
    states = []
    for changes in (dict(feedback_rule=GRADIENT), {}):
        model, wrappers = make_model('mpl', **changes)
        torch.manual_seed(1)
        model.train_step(domain_batch(), wrappers)
        states.append(model.student_generator.state_dict())
        assert all(p.grad is None for p in model.student_generator.parameters())
        assert all(module.training for module in model.modules())
    for key, value in states[1].items():
        assert torch.equal(states[0][key], value), key


def test_gradients_in_mixed_precision(make_model, without_dropout):
    logs = []
    for kind in (GradientAveragingOptimWrapper, GradientAveragingBFloat16OptimWrapper):
        model, wrappers = make_model(
            'mpl', without_dropout, feedback_rule=GRADIENT, pseudo_labeler=None
        )
        wrappers = OptimWrapperDict(
            **{name: kind(wrapper.optimizer) for name, wrapper in wrappers.items()}
        )
        logs.append(model.train_step(domain_batch(), wrappers)['mpl.h'])
    full, half = logs
    # No closer: normalising the four values of a pooled map multiplies the rounding
    # of eight bits, by how much depends on the kind of processor.
    assert half != full and half.isfinite()
    # A step that float16 overflows in is left out, and tells nothing.
    model, wrappers = make_model('mpl', feedback_rule=GRADIENT)
    wrappers = with_wrapper(model, wrappers, Scaled, scale=torch.inf)
    assert model.train_step(domain_batch(), wrappers)['mpl.h'] == 0
