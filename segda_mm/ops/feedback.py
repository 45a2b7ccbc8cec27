"""How a student's losses weigh its teacher's loss on pseudo labels."""

import math

from torch import Tensor


def alpha_ramp(
    epoch: int, growth_epochs: float = 40, full_after_epoch: int = 25
) -> float:
    """Trust in the student's feedback, growing exponentially from 0 to 1.

    exp(epoch / growth_epochs) - 1 up to ``full_after_epoch``, then 1. Paper:
    "Meta Pseudo Labels for Real-Time Semantic Segmentation", section IV.D; the
    figures 40 and 25 are those of its released code.

    Args:
        epoch: Completed epochs, 0 at the start.
        growth_epochs: Epochs in which exp grows by the factor e.
        full_after_epoch: Last epoch of the growth.

    Returns:
        In [0, 1].
    """
    if epoch > full_after_epoch:
        return 1.0
    return min(math.expm1(epoch / growth_epochs), 1.0)


def loss_product(
    alpha: float, learning_rate: float, target_loss: Tensor, source_loss: Tensor
) -> Tensor:
    """H = alpha * lambda_S * L_seg_target_S * L_seg_source_S, detached.

    Paper: "Meta Pseudo Labels for Real-Time Semantic Segmentation", section
    "Training process - Teacher", with the alpha of section IV.D.

    Args:
        alpha: In [0, 1].
        learning_rate: The student's current learning rate.
        target_loss: The student's loss on pseudo labels, a scalar.
        source_loss: The student's loss on source labels, a scalar.

    Returns:
        A scalar without a graph, never negative.
    """
    return alpha * learning_rate * target_loss.detach() * source_loss.detach()
