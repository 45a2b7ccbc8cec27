"""Probabilities of the classes of every pixel, of whatever form the logits are.

One channel z, as MMSegmentation has it for binary tasks (``num_classes=2,
out_channels=1, use_sigmoid=True``), is the logits (0, z) of two classes: their softmax
is the sigmoid of z for class 1, and the rest for class 0.
"""

from __future__ import annotations

import torch
from torch import Tensor


def two_class_logits(logits: Tensor) -> Tensor:
    """Logits (N, C, ...) of two classes at least; one channel z becomes (0, z)."""
    if logits.shape[1] > 1:
        return logits
    return torch.cat([torch.zeros_like(logits), logits], dim=1)


def class_probabilities(logits: Tensor) -> Tensor:
    """Softmax of :func:`two_class_logits` (N, C, H, W) over C, in the layout at hand.

    PyTorch's own changes the memory layout.
    """
    logits = two_class_logits(logits)
    if logits.is_contiguous(memory_format=torch.channels_last):
        return logits.permute(0, 2, 3, 1).softmax(-1).permute(0, 3, 1, 2)
    return logits.softmax(1)


def sample_probabilities(seg_logits: Tensor) -> Tensor:
    """Class probabilities (C, H, W) of the ``seg_logits`` of a sample of mmseg.

    These are logits (C, H, W), or the foreground's probability (1, H, W).
    """
    if len(seg_logits) > 1:
        return seg_logits.softmax(dim=0)
    return torch.cat([1 - seg_logits, seg_logits])
