"""The feedback of Pham et al.: how the student's labelled loss changed."""

import torch
from torch import Tensor

from segda_mm.methods.feedback_rules.base_feedback_rule import (
    BaseFeedbackRule,
    StudentReport,
)
from segda_mm.ops.mpl_feedback import loss_change
from segda_mm.registry import FEEDBACK_RULES


@FEEDBACK_RULES.register_module()
class StudentLossChangeFeedback(BaseFeedbackRule):
    """h = labelled loss before - labelled loss after the student's step.

    Pham et al., "Meta Pseudo Labels", arXiv 2003.10580: the first-order value
    of the student's gain multiplies the gradient of the teacher's likelihood
    of its pseudo labels. There the student steps on pseudo labels alone; here
    its step also descends the source loss, which lowers the labelled loss
    whatever the pseudo labels are worth. ``baseline_momentum`` takes the
    usual gain out.

    Args:
        baseline_momentum: Of the running mean of past gains that is
            subtracted; None: nothing is subtracted.
    """

    needs_labeled_loss = True

    def __init__(self, baseline_momentum: float | None) -> None:
        super().__init__()
        self.baseline_momentum = baseline_momentum
        self.register_buffer('baseline', torch.zeros(()))

    def forward(self, report: StudentReport) -> dict[str, Tensor | float]:
        """Subtract the baseline of earlier steps, then update it."""
        gain = loss_change(report.labeled_loss_before, report.labeled_loss_after)
        h = gain - self.baseline
        if self.baseline_momentum is not None:
            self.baseline.lerp_(gain.to(self.baseline), 1 - self.baseline_momentum)
        return dict(h=h, labeled_gain=gain)
