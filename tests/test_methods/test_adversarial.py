import copy
import math

import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData

from segda_mm.methods import BiSeNetDA
from segda_mm.testing import (
    domain_batch,
    tiny_bisenet,
    tiny_optim_wrapper,
    tiny_pidnet,
    tiny_segformer,
    tiny_stdc,
)

PREPROCESSOR = dict(
    type='DomainDataPreprocessor', mean=[128] * 3, std=[64] * 3, size_divisor=1
)
UNLABELED = [
    dict(type='EntropyLoss', loss_weight=0.3),
    dict(type='MaximumSquaresLoss', loss_weight=0.7),
]


def make_model(segmentor=tiny_bisenet, generator=None, **changes):
    torch.manual_seed(0)
    arguments = dict(
        generator=dict(
            type='SegmentorGenerator', segmentor=segmentor(), **(generator or {})
        ),
        discriminator=dict(type='DSCDiscriminator', num_classes=4),
        adv_weight=0.001,
        target_loss_weight=0.0,
        data_preprocessor=PREPROCESSOR,
    )
    model = BiSeNetDA(**{**arguments, **changes})
    return model, tiny_optim_wrapper(model, 'generator', 'discriminator')


def label_target(batch, label):
    for sample in batch['target']['data_samples']:
        sample.gt_sem_seg = PixelData(
            data=torch.full((1, 64, 64), label, dtype=torch.long)
        )


@pytest.mark.parametrize(
    'segmentor, generator',
    [
        (tiny_bisenet, {}),
        (tiny_stdc, {}),
        (tiny_segformer, {}),
        (tiny_pidnet, dict(logits_index=1, edge_width=4)),
    ],
)
def test_any_segmentor_steps(segmentor, generator):
    model, optim_wrapper = make_model(segmentor, generator, target_loss_weight=1.0)
    before = copy.deepcopy(model.state_dict())
    batch = domain_batch()
    label_target(batch, 1)
    log = model.train_step(batch, optim_wrapper)
    assert log['loss'].isfinite()
    for name in ('generator', 'discriminator'):
        moved = [
            not torch.equal(before[key], value)
            for key, value in model.state_dict().items()
            if key.startswith(name) and key.endswith('weight')
        ]
        assert any(moved), name


def test_losses_follow_equations_2_to_4():
    model, optim_wrapper = make_model(adv_weight=0.1)
    twin = copy.deepcopy(model)
    batch = domain_batch()
    torch.manual_seed(1)
    log = model.train_step(copy.deepcopy(batch), optim_wrapper)

    torch.manual_seed(1)
    batches = twin.data_preprocessor(batch, True)
    source_losses, source_logits = twin.generator(**batches['source'])
    _, target_logits = twin.generator(batches['target']['inputs'])
    source_loss = sum(v for k, v in source_losses.items() if 'loss' in k)
    domain_logits = twin.discriminator(target_logits.softmax(1))
    domain = torch.sigmoid(domain_logits)
    adv = -domain.log().mean()
    torch.testing.assert_close(log['generator.source.loss'], source_loss.detach())
    torch.testing.assert_close(log['generator.adversarial.loss'], adv.detach())
    torch.testing.assert_close(log['loss'], (source_loss + 0.1 * adv).detach())
    # Eq. 3 with the discriminator and the predictions from before the step.
    of_source = twin.discriminator(source_logits.softmax(1))
    expected = (-torch.sigmoid(of_source).log().mean() - (1 - domain).log().mean()) / 2
    torch.testing.assert_close(log['discriminator.loss'], expected.detach())
    assert log['discriminator.accuracy_source'] == (of_source > 0).float().mean()
    assert log['discriminator.accuracy_target'] == (domain_logits <= 0).float().mean()


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
def test_each_step_leaves_gradients_in_its_own_network_only(unlabeled_losses):
    model, wrappers = make_model(unlabeled_losses=unlabeled_losses)
    recorders = {
        name: RecordingWrapper(wrapper, model) for name, wrapper in wrappers.items()
    }
    model.train_step(domain_batch(), recorders)
    assert recorders['generator'].touched == {'generator'}
    assert recorders['discriminator'].touched == {'discriminator'}
    assert all(p.requires_grad for p in model.parameters())


def test_zero_weight_is_training_on_the_source_alone():
    model, optim_wrapper = make_model(adv_weight=0.0)
    twin = copy.deepcopy(model)
    batch = domain_batch()
    torch.manual_seed(1)
    model.train_step(copy.deepcopy(batch), optim_wrapper)

    torch.manual_seed(1)
    batches = twin.data_preprocessor(batch, True)
    losses, _ = twin.generator(**batches['source'])
    loss = sum(v for k, v in losses.items() if 'loss' in k)
    loss.backward()
    for (name, p), q in zip(
        twin.generator.named_parameters(), model.generator.parameters()
    ):
        if p.grad is not None:
            torch.testing.assert_close(p - 0.01 * p.grad, q, msg=name)


def test_pseudo_labels_are_used_when_they_weigh_something_and_are_not_void():
    logs = []
    for weight in (0.0, 2.0):
        model, optim_wrapper = make_model(target_loss_weight=weight)
        batch = domain_batch()
        label_target(batch, 1)
        torch.manual_seed(1)
        logs.append(model.train_step(batch, optim_wrapper))
    without, with_labels = logs
    assert 'generator.target.loss' not in without
    torch.testing.assert_close(
        with_labels['loss'], without['loss'] + 2 * with_labels['generator.target.loss']
    )
    model, optim_wrapper = make_model(target_loss_weight=1.0)
    label_target(batch := domain_batch(), 255)
    void = model.train_step(batch, optim_wrapper)
    assert void['generator.target.loss'] == 0


def seeded_step(**changes):
    """The log of one step, and the model after it."""
    model, optim_wrapper = make_model(**changes)
    torch.manual_seed(1)
    return model.train_step(domain_batch(), optim_wrapper), model


def seeded_passes():
    """A new model, its source losses and target logits in a step's order."""
    model, _ = make_model()
    torch.manual_seed(1)
    batches = model.data_preprocessor(domain_batch(), True)
    source_losses, _ = model.generator(**batches['source'])
    _, target_logits = model.generator(batches['target']['inputs'])
    return model, source_losses, target_logits


def entropy_and_squares(logits):
    """The losses of ``UNLABELED`` by their formulas."""
    probs = logits.softmax(1)
    entropy = -0.3 * (probs * probs.log()).sum(1).mean() / math.log(4)
    return entropy, -0.7 / 2 * probs.square().sum(1).mean()


def test_unlabeled_losses_are_those_of_the_target_logits():
    log, _ = seeded_step(unlabeled_losses=UNLABELED)
    plain, _ = seeded_step()
    entropy, squares = entropy_and_squares(seeded_passes()[2].detach())
    torch.testing.assert_close(log['generator.unlabeled.entropy_loss'], entropy)
    torch.testing.assert_close(log['generator.unlabeled.maximum_squares_loss'], squares)
    torch.testing.assert_close(log['loss'], plain['loss'] + entropy + squares)


def test_unlabeled_losses_adapt_alone():
    _, plain = seeded_step(adv_weight=0.0)
    _, adapted = seeded_step(adv_weight=0.0, unlabeled_losses=UNLABELED)
    start, _, logits = seeded_passes()
    sum(entropy_and_squares(logits)).backward()
    reached = []
    for (name, p), q, r in zip(
        start.generator.named_parameters(),
        plain.generator.parameters(),
        adapted.generator.parameters(),
    ):
        if p.grad is not None:
            torch.testing.assert_close(q - 0.01 * p.grad, r, msg=name)
            reached.append(not torch.equal(q, r))
    assert sum(reached) > len(reached) / 2


def test_without_unlabeled_losses_a_step_is_equation_4_bit_for_bit():
    log, model = seeded_step()
    assert not any('unlabeled' in key for key in log)
    assert not any('unlabeled' in key for key in model.state_dict())

    twin, source_losses, logits = seeded_passes()
    domain_logits = twin.discriminator(logits.softmax(1))
    adv = twin.adversarial_loss(domain_logits, 'source')
    source_loss = sum(v for k, v in source_losses.items() if 'loss' in k)
    loss = source_loss + 0.001 * adv
    loss.backward()
    torch.optim.SGD(twin.generator.parameters(), lr=0.01).step()
    assert torch.equal(log['loss'], loss)
    for key, value in twin.generator.state_dict().items():
        assert torch.equal(model.generator.state_dict()[key], value), key


def test_gradient_ratio_is_that_of_the_decode_head():
    model, optim_wrapper = make_model(adv_weight=0.5)
    twin = copy.deepcopy(model)
    batch = domain_batch()
    torch.manual_seed(1)
    log = model.train_step(copy.deepcopy(batch), optim_wrapper)

    torch.manual_seed(1)
    batches = twin.data_preprocessor(batch, True)
    losses, _ = twin.generator(**batches['source'])
    _, logits = twin.generator(batches['target']['inputs'])
    norms = []
    head = twin.generator.segmentor.decode_head
    for loss in (
        0.5 * F.softplus(-twin.discriminator(logits.softmax(1))).mean(),
        sum(v for k, v in losses.items() if 'loss' in k),
    ):
        twin.zero_grad()
        loss.backward()
        norms.append(torch.cat([p.grad.flatten() for p in head.parameters()]).norm())
    torch.testing.assert_close(
        log['generator.adversarial.gradient_ratio'], norms[0] / norms[1]
    )
