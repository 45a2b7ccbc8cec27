"""What the methods' steps are made of, so that a ``train_step`` reads as its paper."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from mmseg.utils import SampleList
from torch import Tensor, nn

from segda_mm.methods.generator import GeneratorResult, Scalars, SegmentorGenerator
from segda_mm.methods.modes import frozen
from segda_mm.models.losses import DomainAdversarialLoss
from segda_mm.ops.class_probabilities import class_probabilities

#: What computes terms of a loss, in this order, each entry from passes of its own.
Passes = Sequence[Callable[[], Scalars]]


@dataclass
class DomainBatch:
    """Images of one domain and what is known about them.

    Args:
        inputs: Normalised images, shape (N, 3, H, W).
        data_samples: Their labels; None where there are none to be used.
        result: What the network that is being trained has made of the images since
            its last update, with the graph; None: nothing yet.
        unmixed: The images before parts of others came into them, with labels; None:
            these are they.
        pasted: Which pixels came from others, bool, shape (N, H, W); None: none.
        labeled_by: The teacher's pass of the images without these pixels, without a
            graph.
    """

    inputs: Tensor
    data_samples: SampleList | None = None
    result: GeneratorResult | None = None
    unmixed: 'DomainBatch | None' = None
    pasted: Tensor | None = None
    labeled_by: GeneratorResult | None = None

    def passed_through(self, generator: SegmentorGenerator) -> GeneratorResult:
        """Return ``result``, after a pass if there is none yet."""
        if self.result is None:
            self.result = generator.infer(self.inputs)
        return self.result

    def labels(self) -> Tensor:
        """Labels of all images, shape (N, H, W), integers."""
        assert self.data_samples is not None
        return torch.cat([sample.gt_sem_seg.data for sample in self.data_samples])

    def take_logits(self) -> Tensor:
        """Detached logits of ``result``, which the batch then lets go of."""
        if self.result is None:
            raise ValueError(
                'the losses of a generator were computed without a pass of source '
                'and target through it; call super().student_losses(source, target), '
                'or passed_through(generator) of both batches'
            )
        logits, self.result = self.result.logits.detach(), None
        return logits


def split_domains(batches: Mapping) -> tuple[DomainBatch | None, DomainBatch]:
    """Source and target of what a ``DomainDataPreprocessor`` returned.

    A batch that is no pair is one of the target alone: the source is None.
    """
    if 'target' not in batches:
        return None, DomainBatch(**batches)
    return DomainBatch(**batches['source']), DomainBatch(**batches['target'])


def require_source(source: DomainBatch | None, method: object) -> DomainBatch:
    """The source; ValueError where there is none for a method that learns from it."""
    if source is None:
        raise ValueError(
            f'{type(method).__name__} learns from a labelled source, but '
            'train_dataloader.dataset has images of the target alone; make it a '
            'DomainPairDataset, or take a method of configs/source_free'
        )
    return source


def pseudo_labeled(
    inputs: Tensor, labels: Tensor, weights: Tensor | None = None
) -> DomainBatch:
    """Images (N, 3, H, W) with labels, and factors of each pixel's loss, (N, H, W)."""
    samples = [
        SegDataSample(gt_sem_seg=PixelData(data=label[None])) for label in labels
    ]
    if weights is not None:
        for sample, weight in zip(samples, weights):
            sample.pixel_weights = PixelData(data=weight[None])
    return DomainBatch(inputs, samples)


def sum_losses(
    losses: Mapping[str, Tensor], weights: Mapping[str, float | Tensor] | None = None
) -> Tensor:
    """Add the means of the entries whose key contains ``loss``, as MMEngine does.

    Args:
        losses: At least one, of any shape.
        weights: Factors by key; 1 for a key that is not in it.
    """
    weights = weights or {}
    first, *others = (
        weights.get(key, 1) * value.mean()
        for key, value in losses.items()
        if 'loss' in key
    )
    return sum(others, first)


def labeled_loss(generator: SegmentorGenerator, batch: DomainBatch) -> Tensor:
    """Sum of the heads' losses on a batch with labels (Eq. 1), a scalar."""
    result = batch.passed_through(generator)
    return sum_losses(generator.losses(result, batch.data_samples))


def adversarial_losses(
    generator: SegmentorGenerator,
    discriminator: nn.Module,
    adversarial_loss: DomainAdversarialLoss,
    target: DomainBatch,
) -> Scalars:
    """Terms of the target in Eq. 4, or in Eq. 5 where it has pseudo labels.

    Returns:
        ``adversarial.loss`` and, where the target has labels, ``target.loss``, scalars.
    """
    losses = deceiving_loss(generator, discriminator, adversarial_loss, target)
    if target.data_samples is not None:
        losses['target.loss'] = labeled_loss(generator, target)
    return losses


def deceiving_loss(
    generator: SegmentorGenerator,
    discriminator: nn.Module,
    adversarial_loss: DomainAdversarialLoss,
    target: DomainBatch,
) -> Scalars:
    """``adversarial.loss`` (Eq. 2): the target is to look like the source."""
    logits = target.passed_through(generator).logits
    domain_logits = discriminator(class_probabilities(logits))
    return {'adversarial.loss': adversarial_loss(domain_logits, 'source')}


def collected(passes: Passes) -> Scalars:
    """The terms of all passes, computed in turn."""
    losses: Scalars = {}
    for compute in passes:
        losses |= compute()
    return losses


def descend(
    network: nn.Module,
    optim_wrapper: OptimWrapper,
    passes: Passes,
    weights: Mapping[str, float | Tensor],
    after_pass: Callable[[Scalars], None] | None = None,
) -> Scalars:
    """Update a network once by the weighted sum of the terms of some passes.

    The gradients of each entry of ``passes`` are added before the next is computed, so
    that one graph is held at a time.

    Args:
        network: What the optimizer updates.
        optim_wrapper: Its own.
        passes: What computes the terms; one entry for all holds one graph of all.
        weights: Factors of the terms by key; 1 for a key that is not in it.
        after_pass: Gets the terms of each entry, with their graph.

    Returns:
        The terms, and their weighted sum ``loss``.
    """
    log_vars: Scalars = {}
    sums = []
    for number, compute in enumerate(passes, 1):
        with optim_wrapper.optim_context(network):
            terms = compute()
            loss = sum_losses(terms, weights)
        if after_pass is not None:
            after_pass(terms)
        log_vars |= {key: value.detach() for key, value in terms.items()}
        sums.append(loss.detach())
        if number == len(passes):
            optim_wrapper.update_params(loss)
        else:
            optim_wrapper.backward(optim_wrapper.scale_loss(loss))
            # It counts the batches of an update, of which this is a part of one.
            optim_wrapper._inner_count -= 1
    first, *others = sums
    return {**log_vars, 'loss': sum(others, first)}


def adversarial_step(
    method: nn.Module,
    roles: tuple[str, str],
    optim_wrapper: OptimWrapperDict,
    passes: Passes,
    weights: Mapping[str, float | Tensor],
    source: DomainBatch,
    target: DomainBatch,
    adversarial_loss: DomainAdversarialLoss,
    measure_gradients: bool,
    after_pass: Callable[[Scalars], None] | None = None,
) -> Scalars:
    """Update a generator by its losses, then its discriminator by Eq. 3.

    Neither update leaves gradients in the other network. The generator's passes are
    taken out of the batches when the discriminator has seen them.

    Args:
        method: Whose children they are.
        roles: Names of generator and discriminator, and so of their wrappers.
        optim_wrapper: Has a member for each.
        passes: Give the terms of the generator's loss, ``source.loss`` and
            ``adversarial.loss`` among them; see :func:`descend`.
        weights: Factors of the terms, that of ``adversarial.loss`` (lambda_adv of
            Eq. 4) among them.
        source: Images with labels.
        target: Images, with pseudo labels or with None.
        adversarial_loss: Compares domain logits with a domain.
        measure_gradients: Whether to log ``adversarial.gradient_ratio``, of the norms
            that the weighted adversarial and the source loss have in the decode head.
        after_pass: Gets the terms of each entry of ``passes``, with the graph.

    Returns:
        Below the generator's name the terms and their weighted sum ``loss``; below the
        discriminator's its ``loss`` and its accuracies on both domains.
    """
    generator, discriminator = (getattr(method, role) for role in roles)
    norms: Scalars = {}

    def watch(terms: Scalars) -> None:
        if measure_gradients:
            for key in ('adversarial.loss', 'source.loss'):
                if key in terms:
                    weighted = weights.get(key, 1) * terms[key]
                    norms[key] = gradient_norm(
                        weighted, generator.segmentor.decode_head
                    )
        if after_pass is not None:
            after_pass(terms)

    with frozen(discriminator):
        generator_log = descend(
            generator, optim_wrapper[roles[0]], passes, weights, watch
        )
    if norms:
        ratio = norms['adversarial.loss'] / norms['source.loss'].clamp(min=1e-12)
        generator_log['adversarial.gradient_ratio'] = ratio
    discriminator_log = _discriminator_step(
        discriminator,
        optim_wrapper[roles[1]],
        source.take_logits(),
        target.take_logits(),
        adversarial_loss,
    )
    return add_role(roles[0], generator_log) | add_role(roles[1], discriminator_log)


def _discriminator_step(
    discriminator: nn.Module,
    optim_wrapper: OptimWrapper,
    source_logits: Tensor,
    target_logits: Tensor,
    adversarial_loss: DomainAdversarialLoss,
) -> Scalars:
    with optim_wrapper.optim_context(discriminator):
        from_source = discriminator(class_probabilities(source_logits))
        from_target = discriminator(class_probabilities(target_logits))
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


def gradient_norm(loss: Tensor, network: nn.Module) -> Tensor:
    """Norm of a loss's gradient in a network's weights; the graph is kept."""
    weights = [p for p in network.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True)
    norms = [gradient.float().norm() for gradient in gradients if gradient is not None]
    return torch.stack(norms).norm()


def add_role(role: str, log_vars: Mapping[str, Tensor]) -> Scalars:
    """Put the name of a child network in front of every key."""
    return {f'{role}.{key}': value for key, value in log_vars.items()}


def is_due(interval: int) -> bool:
    """Whether the running training is at a multiple of ``interval``."""
    iteration = MessageHub.get_current_instance().get_info('iter', 0)
    return iteration % interval == 0
