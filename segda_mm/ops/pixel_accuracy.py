"""The share of correct pixels, cheap enough for every step of a training."""

import torch
from torch import Tensor


def pixel_accuracy(logits: Tensor, labels: Tensor, ignore_index: int | None) -> Tensor:
    """Percentage of the labelled pixels at which the true class is on top.

    A pixel is correct if no class has a higher logit than its own, so that no
    index of the highest one is searched for, which is what makes a top-1 slow;
    nor does the host wait for the number of labelled pixels. Of classes that
    share the highest logit each counts as on top.

    Args:
        logits: Shape (N, C, ...).
        labels: Classes in [0, C), or ``ignore_index``; shape (N, ...).
        ignore_index: Label of the pixels that do not count; None: all count.

    Returns:
        Shape (1,), in [0, 100]; 100 where no pixel counts, as mmseg has it.
    """
    logits = logits.detach()
    counted = torch.ones_like(labels, dtype=torch.bool)
    if ignore_index is not None:
        counted = labels != ignore_index
    own = logits.gather(1, labels.masked_fill(~counted, 0)[:, None])[:, 0]
    correct = (own == logits.amax(1)) & counted
    tiny = torch.finfo(torch.float32).eps
    return 100 * (correct.sum()[None] + tiny) / (counted.sum() + tiny)
