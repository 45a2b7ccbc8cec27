"""Entropy of predictions, for images without labels."""

import math

import torch
from torch import Tensor, nn

from segda_mm.registry import MODELS


@MODELS.register_module()
class EntropyLoss(nn.Module):
    """Mean entropy of the pixels' predictions, as a share of the largest one.

    Vu et al., "ADVENT: Adversarial Entropy Minimization for Domain Adaptation
    in Semantic Segmentation", CVPR 2019, section 3.1 (MinEnt), as the mean over
    the pixels where the paper has the sum: -sum_c p log p / log C lies between
    0, where a class is certain, and 1, where all are as likely.

    Args:
        loss_weight: Factor of the result.
    """

    loss_name = 'entropy_loss'

    def __init__(self, loss_weight: float) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor) -> Tensor:
        """Compute the loss.

        Args:
            logits: Shape (N, C, H, W), C at least 2.

        Returns:
            A scalar, float32 where the logits are of less.
        """
        num_classes, class_axis = logits.shape[1], 1
        if logits.is_contiguous(memory_format=torch.channels_last):
            # As in class_probabilities: no copy to channels first.
            logits, class_axis = logits.permute(0, 2, 3, 1), -1
        precision = torch.promote_types(logits.dtype, torch.float32)
        log_probs = logits.log_softmax(class_axis, dtype=precision)
        entropy = -(log_probs.exp() * log_probs).sum(class_axis).mean()
        return self.loss_weight / math.log(num_classes) * entropy
