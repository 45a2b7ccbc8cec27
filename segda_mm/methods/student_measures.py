"""What a feedback rule asks to know of one step of the student."""

from collections.abc import Mapping

import torch
from mmengine.dist import all_reduce
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from segda_mm.methods.feedback import BaseFeedbackRule
from segda_mm.methods.generator import SegmentorGenerator
from segda_mm.methods.modes import batch_statistics, evaluating
from segda_mm.methods.steps import DomainBatch, sum_losses


class StudentMeasures:
    """Labelled losses and gradients around one step of the student.

    Nothing is computed that the rule does not ask for; the student's statistics and
    its optimizer's gradients stay as they are.

    Args:
        rule: Says what it needs.
        generator: The student.
        optim_wrapper: The student's, for its precision and its scale of losses.
    """

    def __init__(
        self,
        rule: BaseFeedbackRule,
        generator: SegmentorGenerator,
        optim_wrapper: OptimWrapper,
    ) -> None:
        self.rule = rule
        self.generator = generator
        self.optim_wrapper = optim_wrapper
        self._pseudo_gradient: Tensor | None = None

    def labeled_loss(self, source: DomainBatch) -> Tensor | None:
        """The loss on a labelled batch, of the student as it is now."""
        if not self.rule.needs_labeled_loss:
            return None
        with torch.no_grad():
            return mean_of_processes(self._labeled_loss(source))

    def after_pass(self, terms: Mapping[str, Tensor]) -> None:
        """Keep the gradient of the loss on pseudo labels, ``target.loss``."""
        if self.rule.needs_gradient_product and 'target.loss' in terms:
            self._pseudo_gradient = self._gradient(terms['target.loss'])

    def gradient_product(self, source: DomainBatch) -> Tensor | None:
        """Labelled gradient after the step times that of the pseudo labels before it.

        Both are means of all processes, as the step is. 0 where float16 overflowed,
        for which the step was left out.
        """
        if self._pseudo_gradient is None:
            return None
        labeled = self._gradient(self._labeled_loss(source))
        # The mean of products with one mean is the product of two means.
        all_reduce(labeled, 'mean')
        product = mean_of_processes(labeled @ self._pseudo_gradient)
        if hasattr(self.optim_wrapper, 'loss_scaler'):
            product = torch.where(product.isfinite(), product, 0)
        return product

    def _labeled_loss(self, source: DomainBatch) -> Tensor:
        """With the statistics of the batch, as the step moves the running ones."""
        generator = self.generator
        # Heads such as PIDHead compute their losses in training mode only.
        layers = [
            module
            for module in generator.modules()
            if isinstance(module, nn.MultiheadAttention) or not list(module.children())
        ]
        with (
            evaluating(layers),
            batch_statistics(generator),
            self.optim_wrapper.optim_context(generator),
        ):
            losses, _ = generator(source.inputs, source.data_samples)
        return sum_losses(losses)

    def _gradient(self, loss: Tensor) -> Tensor:
        """In all trained weights, as one vector; the graph is kept."""
        weights = [p for p in self.generator.parameters() if p.requires_grad]
        scale = torch.ones((), device=loss.device)
        if hasattr(self.optim_wrapper, 'loss_scaler'):
            scale = self.optim_wrapper.loss_scaler.scale(scale)
        gradients = torch.autograd.grad(
            loss * scale,
            weights,
            retain_graph=True,
            allow_unused=True,
            materialize_grads=True,
        )
        return torch.cat([gradient.flatten() for gradient in gradients]) / scale


def mean_of_processes(scalar: Tensor) -> Tensor:
    """Average a scalar over all processes; alone, return it."""
    scalar = scalar.detach().clone()
    all_reduce(scalar, 'mean')
    return scalar
