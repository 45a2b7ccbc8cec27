"""One update of a generator and one of a discriminator.

Shared by all adversarial methods, so that a method's ``train_step`` reads as
its algorithm.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper
from mmseg.utils import SampleList
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from segda_mm.methods.generator import GeneratorResult
from segda_mm.models.losses.domain_adversarial_loss import DomainAdversarialLoss
from segda_mm.ops.class_probabilities import class_probabilities


class DomainBatch(NamedTuple):
    """Images of one domain and what is known about them.

    ``inputs`` has shape (N, 3, H, W); ``data_samples`` is None where the
    images have no labels that may be used.
    """

    inputs: Tensor
    data_samples: SampleList | None


class GeneratorStep(NamedTuple):
    """What a generator's update leaves behind; no tensor has a graph.

    Losses are scalars, ``target_loss`` zero without target labels; logits
    have shape (N, C, H, W); ``log_vars`` is for the logger.
    """

    source_loss: Tensor
    target_loss: Tensor
    source_logits: Tensor
    target_logits: Tensor
    log_vars: dict[str, Tensor]


@contextmanager
def evaluating(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Put modules, not their children, into evaluation mode and back."""
    was_training = {module: module.training for module in modules}
    for module in was_training:
        module.training = False
    try:
        yield
    finally:
        for module, training in was_training.items():
            module.training = training


@contextmanager
def batch_statistics(network: nn.Module) -> Iterator[None]:
    """Normalise by the batch at hand; running statistics stay unchanged."""
    layers = {
        layer: (layer.training, layer.track_running_stats)
        for layer in network.modules()
        if isinstance(layer, _BatchNorm)
    }
    for layer in layers:
        layer.training, layer.track_running_stats = True, False
    try:
        yield
    finally:
        for layer, state in layers.items():
            layer.training, layer.track_running_stats = state


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Let gradients pass through a network without reaching its weights."""
    trained = [p for p in network.parameters() if p.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


def sum_losses(losses: dict[str, Tensor]) -> Tensor:
    """Add the entries whose key contains ``loss``, as MMEngine does."""
    return sum(value.mean() for key, value in losses.items() if 'loss' in key)


def generator_step(
    generator: nn.Module,
    discriminator: nn.Module,
    optim_wrapper: OptimWrapper,
    source: DomainBatch,
    target: DomainBatch,
    adversarial_loss: DomainAdversarialLoss,
    adv_weight: float,
    target_weight: float | Tensor = 1.0,
    uda_inputs: Tensor | None = None,
    target_result: GeneratorResult | None = None,
    unlabeled_losses: Iterable[nn.Module] = (),
    measure_gradients: bool = False,
) -> GeneratorStep:
    """Update a generator by Eq. 4 or 5, or as the teacher of MPL.

    L = L_seg(source) + adv_weight * L_adv(target)
    + target_weight * L_seg(target) + L_seg(uda_inputs) + sum of
    unlabeled_losses(target); the discriminator is left as it is.

    Args:
        generator: A ``SegmentorGenerator``, or a network like it.
        discriminator: Takes softmax maps, returns domain logits.
        optim_wrapper: The generator's.
        source: Images with labels.
        target: Images, with pseudo labels or with None.
        adversarial_loss: Compares domain logits with a domain.
        adv_weight: lambda_adv of Eq. 4; 0 is the control.
        target_weight: Weight of the loss on pseudo labels.
        uda_inputs: A disturbed view of the target images, to be trained on
            with the same pseudo labels; shape (N, 3, H, W).
        target_result: What the generator has made of the target images since
            its last update, with the graph; None: they are passed through it.
        unlabeled_losses: From the target's logits (N, C, H, W) to a scalar; each
            is logged as ``unlabeled.<its loss_name>``.
        measure_gradients: Also log the ratio of the norms that the weighted
            adversarial and the source loss have in the decode head.
    """
    with optim_wrapper.optim_context(generator), frozen(discriminator):
        source_losses, source_logits = generator(*source)
        if target_result is None:
            target_result = generator.infer(target.inputs)
        domain_logits = discriminator(class_probabilities(target_result.logits))
        source_loss = sum_losses(source_losses)
        adv_loss = adversarial_loss(domain_logits, 'source')
        loss = source_loss + adv_weight * adv_loss
        log_vars = {'source.loss': source_loss, 'adversarial.loss': adv_loss}
        target_loss = source_loss.new_zeros(())
        if target.data_samples is not None:
            target_loss = sum_losses(
                generator.losses(target_result, target.data_samples)
            )
            loss = loss + target_weight * target_loss
            log_vars['target.loss'] = target_loss
        if uda_inputs is not None:
            uda_losses, _ = generator(uda_inputs, target.data_samples)
            uda_loss = sum_losses(uda_losses)
            loss = loss + uda_loss
            log_vars['uda.loss'] = uda_loss
        for unlabeled_loss in unlabeled_losses:
            value = unlabeled_loss(target_result.logits)
            loss = loss + value
            log_vars[f'unlabeled.{unlabeled_loss.loss_name}'] = value
    if measure_gradients:
        log_vars['adversarial.gradient_ratio'] = gradient_norm_ratio(
            adv_weight * adv_loss, source_loss, generator.segmentor.decode_head
        )
    log_vars['loss'] = loss
    optim_wrapper.update_params(loss)
    return GeneratorStep(
        source_loss.detach(),
        target_loss.detach(),
        source_logits.detach(),
        target_result.logits.detach(),
        {key: value.detach() for key, value in log_vars.items()},
    )


def discriminator_step(
    discriminator: nn.Module,
    optim_wrapper: OptimWrapper,
    source_logits: Tensor,
    target_logits: Tensor,
    adversarial_loss: DomainAdversarialLoss,
) -> dict[str, Tensor]:
    """Update a discriminator by Eq. 3 on detached predictions.

    Args:
        discriminator: Takes softmax maps, returns domain logits.
        optim_wrapper: The discriminator's.
        source_logits: A generator's logits, shape (N, C, H, W).
        target_logits: The same generator's, shape (N, C, H', W').
        adversarial_loss: Compares domain logits with a domain.

    Returns:
        ``loss`` and the accuracies on both domains before the update.
    """
    with optim_wrapper.optim_context(discriminator):
        from_source = discriminator(class_probabilities(source_logits.detach()))
        from_target = discriminator(class_probabilities(target_logits.detach()))
        loss = (
            adversarial_loss(from_source, 'source')
            + adversarial_loss(from_target, 'target')
        ) / 2
    optim_wrapper.update_params(loss)
    return {
        'loss': loss.detach(),
        'accuracy_source': adversarial_loss.accuracy(from_source, 'source'),
        'accuracy_target': adversarial_loss.accuracy(from_target, 'target'),
    }


def gradient_norm_ratio(
    numerator: Tensor, denominator: Tensor, network: nn.Module
) -> Tensor:
    """Ratio of the norms of two losses' gradients in one network's weights.

    Args:
        numerator: A scalar loss with a graph, which is kept.
        denominator: The same.
        network: Whose weights the gradients are taken in; those that a loss
            does not reach are left out.

    Returns:
        A scalar without a graph.
    """
    weights = [p for p in network.parameters() if p.requires_grad]
    numerator_norm, denominator_norm = (
        torch.stack(
            [
                gradient.float().norm()
                for gradient in torch.autograd.grad(
                    loss, weights, retain_graph=True, allow_unused=True
                )
                if gradient is not None
            ]
        ).norm()
        for loss in (numerator, denominator)
    )
    return numerator_norm / denominator_norm.clamp(min=1e-12)


def add_role(role: str, log_vars: dict[str, Tensor]) -> dict[str, Tensor]:
    """Put the name of a child network in front of every key."""
    return {f'{role}.{key}': value for key, value in log_vars.items()}


def is_due(interval: int) -> bool:
    """Whether the running training is at a multiple of ``interval``."""
    iteration = MessageHub.get_current_instance().get_info('iter', 0)
    return iteration % interval == 0
