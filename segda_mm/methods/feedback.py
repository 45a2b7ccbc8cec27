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
    ``labeled_loss_before`` and ``labeled_loss_after`` are of the source batch in
    evaluation mode, around the step, None unless the rule asks for them. All are
    scalars without a graph, the mean of all processes. ``epoch`` counts completed
    epochs.
    """

    source_loss: Tensor
    target_loss: Tensor
    labeled_loss_before: Tensor | None
    labeled_loss_after: Tensor | None
    learning_rate: float
    epoch: int
    max_epochs: int


class BaseFeedbackRule(nn.Module, ABC):
    """Weight of the teacher's loss on its own pseudo labels.

    What a rule remembers is a buffer, so that it is saved and resumed.
    """

    #: Whether the student's labelled loss is measured around its step: two more
    #: passes of the source batch.
    needs_labeled_loss = False

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

    def __init__(self, baseline_momentum: float | None) -> None:
        super().__init__()
        self.baseline_momentum = baseline_momentum
        self.register_buffer('baseline', torch.zeros(()))

    def forward(self, report: StudentReport) -> dict[str, Tensor | float]:
        """Subtract the baseline of earlier steps, then update it."""
        before, after = report.labeled_loss_before, report.labeled_loss_after
        assert before is not None and after is not None
        gain = (before - after).detach()
        h = gain - self.baseline
        if self.baseline_momentum is not None:
            self.baseline.lerp_(gain.to(self.baseline), 1 - self.baseline_momentum)
        return dict(h=h, labeled_gain=gain)
