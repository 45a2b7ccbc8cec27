"""Rules that weigh a teacher's loss by how its student fared."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from segda_mm.ops.feedback import alpha_ramp, loss_product
from segda_mm.registry import MODELS


class StudentReport(NamedTuple):
    """How the student fared in one step.

    ``source_loss`` and ``target_loss`` are those that its step descended;
    ``labeled_loss_before`` and ``labeled_loss_after`` are of the source batch,
    around the step, with its own BatchNorm statistics and without dropout;
    ``gradient_product`` is that of the latter's gradient and of the gradient of
    ``target_loss`` before the step. These three are None unless the rule asks for
    them. All are scalars without a graph, the mean of all processes. ``epoch``
    counts completed epochs.
    """

    source_loss: Tensor
    target_loss: Tensor
    labeled_loss_before: Tensor | None
    labeled_loss_after: Tensor | None
    learning_rate: float
    epoch: int
    max_epochs: int
    gradient_product: Tensor | None = None


class BaseFeedbackRule(nn.Module, ABC):
    """Weight of the teacher's loss on its own pseudo labels.

    What a rule remembers is a buffer, so that it is saved and resumed.
    """

    #: Whether the student's labelled loss is measured around its step: two more
    #: passes of the source batch.
    needs_labeled_loss = False

    #: Whether ``gradient_product`` is: a pass of the source batch, and a backward
    #: pass of both batches more.
    needs_gradient_product = False

    @abstractmethod
    def forward(self, report: StudentReport) -> dict[str, Tensor | float]:
        """Return ``h``, the weight, and figures to be logged as ``mpl.<key>``."""


@MODELS.register_module()
class LossProductFeedback(BaseFeedbackRule):
    """H = alpha * lambda_S * L_seg_target_S * L_seg_source_S.

    "Meta Pseudo Labels for Real-Time Semantic Segmentation", section
    "Training process - Teacher"; alpha after section IV.D.

    Args:
        growth_epochs: See :func:`~segda_mm.ops.feedback.alpha_ramp`.
        full_after_epoch: The same.
        first_epoch_h: H throughout epoch 0. None: alpha(0) = 0 as the paper
            describes; the released code sets 1.
    """

    def __init__(
        self,
        growth_epochs: float,
        full_after_epoch: int,
        first_epoch_h: float | None = None,
    ) -> None:
        super().__init__()
        self.growth_epochs = growth_epochs
        self.full_after_epoch = full_after_epoch
        self.first_epoch_h = first_epoch_h

    def forward(self, report: StudentReport) -> dict[str, Tensor | float]:
        """Multiply the losses; ``alpha`` is logged too."""
        alpha = alpha_ramp(report.epoch, self.growth_epochs, self.full_after_epoch)
        h = loss_product(
            alpha, report.learning_rate, report.target_loss, report.source_loss
        )
        if report.epoch == 0 and self.first_epoch_h is not None:
            h = h.new_tensor(self.first_epoch_h)
        return dict(h=h, alpha=h.new_tensor(alpha))


@MODELS.register_module()
class StudentLossChangeFeedback(BaseFeedbackRule):
    """h = labelled loss before - labelled loss after the student's step.

    Pham et al., "Meta Pseudo Labels", arXiv 2003.10580.

    Args:
        baseline_momentum: Of the running mean of past gains that is subtracted,
            since here the student's step also descends the source loss, which
            lowers the labelled loss whatever the pseudo labels are worth; None:
            nothing is subtracted.
    """

    needs_labeled_loss = True
    baseline: Tensor
    steps: Tensor

    def __init__(self, baseline_momentum: float | None) -> None:
        super().__init__()
        self.baseline_momentum = baseline_momentum
        self.register_buffer('baseline', torch.zeros(()))
        self.register_buffer('steps', torch.zeros(()))

    def forward(self, report: StudentReport) -> dict[str, Tensor | float]:
        """Subtract the mean of earlier gains, then take this one in.

        The mean has no bias towards its start: its weights add up to 1 after any
        number of steps. In the first one nothing is known, and h is 0.
        """
        before, after = report.labeled_loss_before, report.labeled_loss_after
        assert before is not None and after is not None
        gain = (before - after).detach()
        momentum = self.baseline_momentum
        if momentum is None:
            return dict(h=gain, labeled_gain=gain)
        h = torch.where(self.steps > 0, gain - self.baseline, torch.zeros_like(gain))
        self.steps += 1
        newest = (1 - momentum) / (1 - momentum**self.steps)
        self.baseline.lerp_(gain.to(self.baseline), newest)
        return dict(h=h, labeled_gain=gain)


@MODELS.register_module()
class GradientFeedback(BaseFeedbackRule):
    """h = rate * <labelled gradient after the step, pseudo labels' before it>.

    Pham et al., "Meta Pseudo Labels", arXiv 2003.10580, section 2: to first order
    what the step along the pseudo labels' gradient gained on labelled data. Unlike
    the change of the loss it leaves out what the step gained from labels.
    """

    needs_gradient_product = True

    def forward(self, report: StudentReport) -> dict[str, Tensor | float]:
        """Multiply by the student's rate."""
        assert report.gradient_product is not None
        return dict(h=report.learning_rate * report.gradient_product)
