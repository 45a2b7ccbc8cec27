"""What a network says of its doubts, as a loss of another one."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from segda_mm.ops.class_probabilities import two_class_logits


def distillation_divergence(
    logits: Tensor, teacher_logits: Tensor, temperature: float
) -> Tensor:
    """Divergence of the softened probabilities of two networks, of each pixel.

    Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015:
    temperature^2 * KL(teacher || student) of the softmax of logits / temperature. The
    square keeps the size of the gradients when the temperature changes.

    Args:
        logits: Of the network that learns, shape (N, C, H, W); or of one channel, of
            two classes.
        teacher_logits: Of the one that teaches, of as many classes.
        temperature: Above 0.

    Returns:
        Shape (N, H, W), at least 0, in the dtype of ``logits``.
    """
    student, teacher = (
        F.log_softmax(two_class_logits(part) / temperature, dim=1)
        for part in (logits, teacher_logits)
    )
    divergence = F.kl_div(student, teacher, reduction='none', log_target=True)
    return temperature**2 * divergence.sum(1)
