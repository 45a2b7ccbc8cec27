"""What a rule of feedback from student to teacher sees and returns."""

from abc import ABC, abstractmethod
from typing import NamedTuple

from torch import Tensor, nn


class StudentReport(NamedTuple):
    """How the student fared in one step.

    ``source_loss`` and ``target_loss`` are those that its step descended,
    measured before it; ``labeled_loss_before`` and ``labeled_loss_after``
    compare the same source batch before and after the step in evaluation
    mode, and are None unless the rule asks for them. All losses are scalars
    without a graph, the mean of all processes. ``epoch`` counts completed
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

    A rule is a module, so that what it remembers can be a buffer and is
    saved and resumed with the model.
    """

    #: Whether the student's labelled loss is measured around its step, which
    #: costs two more forward passes of the source batch.
    needs_labeled_loss = False

    @abstractmethod
    def forward(self, report: StudentReport) -> dict[str, Tensor | float]:
        """Weigh the teacher's loss.

        Args:
            report: How the student's step went.

        Returns:
            ``h``: the weight, a scalar without a graph; and any further
            figures to be logged as ``mpl.<key>``.
        """
