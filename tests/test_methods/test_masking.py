import copy

import pytest
import torch
import torch.nn.functional as F

from segda_mm.methods import BlockMask
from segda_mm.methods.steps import DomainBatch, pseudo_labeled
from segda_mm.testing import domain_batch

MASKING = dict(type='BlockMask', ratio=0.7, block_size=16)


def test_squares_are_hidden_by_their_own_draw():
    inputs = torch.ones(2, 3, 10, 13)
    torch.manual_seed(0)
    masked = BlockMask(0.7, 4)(inputs)
    torch.manual_seed(0)
    draws = torch.rand(2, 3, 4)
    for n, y, x in torch.cartesian_prod(*map(torch.arange, (2, 10, 13))):
        shown = draws[n, y // 4, x // 4] > 0.7
        assert (masked[n, :, y, x] == float(shown)).all()
    assert inputs.all() and not BlockMask(1.0, 4)(inputs).any()
    share = BlockMask(0.7, 1)(torch.ones(1, 1, 400, 400)).mean()
    assert share == pytest.approx(0.3, abs=4 * (0.21 / 400**2) ** 0.5)


@pytest.mark.parametrize('arguments', [(1.1, 4), (-0.1, 4), (0.5, 0)])
def test_wrong_settings_are_refused(arguments):
    with pytest.raises(ValueError, match='block_size'):
        BlockMask(*arguments)


def test_the_loss_of_masked_images_equals_the_formula(make_model, without_dropout):
    """Labels and weights of the whole image, before it is mixed."""
    model, optim_wrapper = make_model(
        'mean teacher',
        without_dropout,
        mixing=dict(type='ClassMix'),
        pseudo_labeler=dict(type='PixelConfidence', exponent=2.0),
        masking=MASKING,
        masked_loss_weight=0.5,
    )
    student = copy.deepcopy(model.student_generator)
    teacher = copy.deepcopy(model.teacher_generator).train()
    seen = []
    model.masking.register_forward_hook(lambda _, whole, masked: seen.append(masked))
    torch.manual_seed(3)
    log = model.train_step(domain_batch(), optim_wrapper)

    inputs = model.data_preprocessor(domain_batch(), True)['target']['inputs']
    (masked,) = seen
    hidden = masked == 0
    assert 0.3 < hidden.float().mean() < 1
    assert torch.equal(masked, inputs.masked_fill(hidden, 0))
    confidence, labels = teacher.infer(inputs).logits.softmax(1).max(1)
    segmentor = student.segmentor
    features = segmentor.extract_feat(masked)
    expected = 0
    for head in (segmentor.decode_head, *segmentor.auxiliary_head):
        logits = F.interpolate(head(features), size=inputs.shape[2:], mode='bilinear')
        losses = F.cross_entropy(logits, labels, reduction='none')
        expected += (losses * confidence**2).mean()
    expected = expected.detach()
    parts = [
        log[f'student_generator.{part}.loss'] for part in ('source', 'target', 'masked')
    ]
    torch.testing.assert_close(parts[2], expected)
    torch.testing.assert_close(log['loss'], parts[0] + parts[1] + 0.5 * expected)
    # Those of the source and of the mixed images alone.
    tracked = [
        value
        for name, value in model.student_generator.state_dict().items()
        if 'num_batches_tracked' in name
    ]
    assert tracked and all(value == 2 for value in tracked)


@pytest.mark.parametrize('method', ['adversarial', 'mean teacher', 'mpl'])
def test_every_method_can_add_it_and_the_student_alone_learns(make_model, method):
    model, _ = make_model(method, masking=MASKING)
    batches = model.data_preprocessor(domain_batch(), True)
    source = DomainBatch(**batches['source'])
    target = pseudo_labeled(batches['target']['inputs'], source.labels())
    model.student_losses(source, target)['masked.loss'].backward()
    student = model.get_submodule(
        'generator' if method == 'adversarial' else 'student_generator'
    )
    learning = {id(parameter) for parameter in student.parameters()}
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == (id(parameter) in learning), name
    without_labels = DomainBatch(target.inputs)
    assert len(model.student_passes(source, without_labels)) == 2
