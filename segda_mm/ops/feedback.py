"""How a student's losses weigh its teacher's loss on pseudo labels."""

import math

from torch import Tensor


def alpha_ramp(
    epoch: int, growth_epochs: float = 40, full_after_epoch: int = 25
) -> float:
    """Trust in the student's feedback, growing exponentially from 0 to 1.

    "Meta Pseudo Labels for Real-Time Semantic Segmentation", section IV.D; 40 and
    25 are the figures of its released code.

    Args:
        epoch: Completed epochs.
        growth_epochs: Alpha is exp(epoch / growth_epochs) - 1, at most 1.
        full_after_epoch: Last epoch of the growth; alpha is 1 after it.
    """
    if epoch > full_after_epoch:
        return 1.0
    return min(math.expm1(epoch / growth_epochs), 1.0)


def loss_product(
    alpha: float, learning_rate: float, target_loss: Tensor, source_loss: Tensor
) -> Tensor:
    """H = alpha * lambda_S * L_seg_target_S * L_seg_source_S, without a graph.

    "Meta Pseudo Labels for Real-Time Semantic Segmentation", section "Training
    process - Teacher"; the learning rate and the losses, scalars, are the student's.
    """
    return alpha * learning_rate * target_loss.detach() * source_loss.detach()
