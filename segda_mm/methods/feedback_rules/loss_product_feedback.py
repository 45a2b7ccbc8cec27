"""The feedback of the real-time paper: a product of the student's losses."""

from torch import Tensor

from segda_mm.methods.feedback_rules.base_feedback_rule import (
    BaseFeedbackRule,
    StudentReport,
)
from segda_mm.ops.mpl_feedback import alpha_ramp, loss_product
from segda_mm.registry import FEEDBACK_RULES


@FEEDBACK_RULES.register_module()
class LossProductFeedback(BaseFeedbackRule):
    """H = alpha * lambda_S * L_seg_target_S * L_seg_source_S.

    "Meta Pseudo Labels for Real-Time Semantic Segmentation", section
    "Training process - Teacher"; alpha after section IV.D.

    Args:
        growth_epochs: alpha = exp(epoch / growth_epochs) - 1; released code:
            40.
        full_after_epoch: alpha is 1 after this epoch; released code: 25.
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
