"""Softmax over the classes of every pixel, in the memory layout at hand."""

import torch
from torch import Tensor


def class_probabilities(logits: Tensor) -> Tensor:
    """Probabilities of the classes.

    PyTorch's softmax copies maps with channels last to channels first and
    leaves them so; taken as a table of pixels they stay as they are.

    Args:
        logits: Shape (N, C, H, W).

    Returns:
        Same shape and memory layout, in [0, 1]; sums over C are 1.
    """
    if logits.is_contiguous(memory_format=torch.channels_last):
        return logits.permute(0, 2, 3, 1).softmax(-1).permute(0, 3, 1, 2)
    return logits.softmax(1)
