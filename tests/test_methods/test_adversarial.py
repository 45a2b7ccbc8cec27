import math

import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData

from segda_mm.testing import domain_batch

UNLABELED = [
    dict(type='EntropyLoss', loss_weight=0.3),
    dict(type='MaximumSquaresLoss', loss_weight=0.7),
]


@pytest.fixture
def seeded_step(make_model):
    """Make one step; return its log, and the model after it."""

    def step(**changes):
        model, optim_wrapper = make_model('adversarial', **changes)
        torch.manual_seed(1)
        return model.train_step(domain_batch(), optim_wrapper), model

    return step


@pytest.fixture
def passes(make_model):
    """The model before the step, its source loss and both logits in it."""
    model, _ = make_model('adversarial')
    torch.manual_seed(1)
    batches = model.data_preprocessor(domain_batch(), True)
    losses, source_logits = model.generator(**batches['source'])
    _, target_logits = model.generator(batches['target']['inputs'])
    source_loss = sum(value for key, value in losses.items() if 'loss' in key)
    return model, source_loss, source_logits, target_logits


@pytest.mark.parametrize('weight', [0.1, 0.0])
def test_a_step_follows_equations_2_to_4(seeded_step, passes, weight):
    """With weight 0 it is training on the source alone."""
    log, model = seeded_step(adv_weight=weight)
    assert not any('unlabeled' in key or 'target.loss' in key for key in log)
    twin, source_loss, source_logits, target_logits = passes
    domain_logits = twin.discriminator(target_logits.softmax(1))
    of_source = twin.discriminator(source_logits.softmax(1))
    domain = torch.sigmoid(domain_logits)
    adv = -domain.log().mean()
    loss = source_loss + weight * adv
    # Eq. 3 with the discriminator and the predictions from before the step.
    expected = (-torch.sigmoid(of_source).log().mean() - (1 - domain).log().mean()) / 2
    for key, value in {
        'generator.source.loss': source_loss,
        'generator.adversarial.loss': adv,
        'loss': loss,
        'discriminator.loss': expected,
        'discriminator.accuracy_source': (of_source > 0).float().mean(),
        'discriminator.accuracy_target': (domain_logits <= 0).float().mean(),
    }.items():
        torch.testing.assert_close(log[key], value.detach())
    (loss if weight else source_loss).backward()
    torch.optim.SGD(twin.generator.parameters(), lr=0.01).step()
    for key, value in twin.generator.state_dict().items():
        torch.testing.assert_close(model.generator.state_dict()[key], value, msg=key)


class RecordingWrapper:
    """An optim wrapper that notes which gradients its update left."""

    def __init__(self, wrapped, model):
        self.wrapped, self.model, self.touched = wrapped, model, None

    def optim_context(self, network):
        return self.wrapped.optim_context(network)

    def update_params(self, loss):
        for parameter in self.model.parameters():
            parameter.grad = None
        loss.backward()
        self.touched = {
            name.split('.')[0]
            for name, parameter in self.model.named_parameters()
            if parameter.grad is not None
        }


@pytest.mark.parametrize('unlabeled_losses', [None, UNLABELED])
def test_each_update_leaves_gradients_in_its_own_network_only(
    make_model, unlabeled_losses
):
    model, wrappers = make_model('adversarial', unlabeled_losses=unlabeled_losses)
    recorders = {
        name: RecordingWrapper(wrapper, model) for name, wrapper in wrappers.items()
    }
    model.train_step(domain_batch(), recorders)
    assert recorders['generator'].touched == {'generator'}
    assert recorders['discriminator'].touched == {'discriminator'}
    assert all(p.requires_grad for p in model.parameters())


def test_pseudo_labels_count_where_they_are_not_void(make_model):
    def step(weight, label):
        model, optim_wrapper = make_model('adversarial', target_loss_weight=weight)
        batch = domain_batch()
        for sample in batch['target']['data_samples']:
            labels = torch.full((1, 64, 64), label, dtype=torch.long)
            sample.gt_sem_seg = PixelData(data=labels)
        torch.manual_seed(1)
        return model.train_step(batch, optim_wrapper)

    without, with_labels = step(0.0, 1), step(2.0, 1)
    assert 'generator.target.loss' not in without
    torch.testing.assert_close(
        with_labels['loss'], without['loss'] + 2 * with_labels['generator.target.loss']
    )
    assert step(1.0, 255)['generator.target.loss'] == 0


def test_unlabeled_losses_are_those_of_the_target_logits(seeded_step, passes):
    twin, *_, target_logits = passes
    probs = target_logits.softmax(1)
    entropy = -0.3 * (probs * probs.log()).sum(1).mean() / math.log(4)
    squares = -0.7 / 2 * probs.square().sum(1).mean()
    plain_log, plain = seeded_step(adv_weight=0.0)
    log, adapted = seeded_step(adv_weight=0.0, unlabeled_losses=UNLABELED)
    torch.testing.assert_close(
        log['generator.unlabeled.entropy_loss'], entropy.detach()
    )
    torch.testing.assert_close(
        log['generator.unlabeled.maximum_squares_loss'], squares.detach()
    )
    torch.testing.assert_close(
        log['loss'], (plain_log['loss'] + entropy + squares).detach()
    )
    (entropy + squares).backward()
    reached = []
    for (name, p), q, r in zip(
        twin.generator.named_parameters(),
        plain.generator.parameters(),
        adapted.generator.parameters(),
    ):
        if p.grad is not None:
            torch.testing.assert_close(q - 0.01 * p.grad, r, msg=name)
            reached.append(not torch.equal(q, r))
    assert sum(reached) > len(reached) / 2


def test_gradient_ratio_is_that_of_the_decode_head(seeded_step, passes):
    log, _ = seeded_step(adv_weight=0.5)
    twin, source_loss, _, target_logits = passes
    domain_logits = twin.discriminator(target_logits.softmax(1))
    norms = []
    for loss in (0.5 * F.softplus(-domain_logits).mean(), source_loss):
        twin.zero_grad()
        loss.backward()
        gradients = [
            p.grad.flatten() for p in twin.generator.segmentor.decode_head.parameters()
        ]
        norms.append(torch.cat(gradients).norm())
    torch.testing.assert_close(
        log['generator.adversarial.gradient_ratio'], norms[0] / norms[1]
    )
