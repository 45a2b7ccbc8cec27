"""Softmax over the classes of every pixel, in the memory layout at hand."""

import torch
from torch import Tensor


def class_probabilities(logits: Tensor) -> Tensor:
    """Softmax of logits (N, C, H, W) over C; PyTorch's own changes the layout."""
    if logits.is_contiguous(memory_format=torch.channels_last):
        return logits.permute(0, 2, 3, 1).softmax(-1).permute(0, 3, 1, 2)
    return logits.softmax(1)
