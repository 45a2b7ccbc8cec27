"""Losses that ask for certain predictions, for images without labels."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from segda_mm.ops.class_probabilities import class_probabilities
from segda_mm.registry import MODELS


@MODELS.register_module()
class EntropyLoss(nn.Module):
    """Mean entropy of the pixels' predictions, as a share of the largest one.

    Vu et al., "ADVENT", CVPR 2019, section 3.1 (MinEnt): -sum_c p log p / log C in
    [0, 1], with the mean over the pixels where the paper has the sum.

    Args:
        loss_weight: Factor of the result.
    """

    loss_name = 'entropy_loss'

    def __init__(self, loss_weight: float) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor) -> Tensor:
        """A scalar, at least of float32, of logits (N, C, H, W), C at least 2."""
        num_classes, class_axis = logits.shape[1], 1
        if logits.is_contiguous(memory_format=torch.channels_last):
            # As in class_probabilities: no copy to channels first.
            logits, class_axis = logits.permute(0, 2, 3, 1), -1
        precision = torch.promote_types(logits.dtype, torch.float32)
        log_probs = logits.log_softmax(class_axis, dtype=precision)
        entropy = -(log_probs.exp() * log_probs).sum(class_axis).mean()
        return self.loss_weight / math.log(num_classes) * entropy


@MODELS.register_module()
class MaximumSquaresLoss(nn.Module):
    """Minus half the sum of the classes' squared probabilities, pixels' mean.

    Chen et al., "Domain Adaptation for Semantic Segmentation with Maximum
    Squares Loss", ICCV 2019; between -1/2, where all are certain, and -1/(2 C).

    Args:
        loss_weight: Factor of the result.
        image_wise_weighting_ratio: alpha of section 3.3, in [0, 1] (the paper:
            0.2): a pixel counts 1 / (N_c^alpha N^(1 - alpha)), where N_c of the
            image's N pixels are predicted as its class. None: 1 / N.
    """

    loss_name = 'maximum_squares_loss'

    def __init__(
        self, loss_weight: float, image_wise_weighting_ratio: float | None = None
    ) -> None:
        super().__init__()
        ratio = image_wise_weighting_ratio
        if ratio is not None and not 0 <= ratio <= 1:
            raise ValueError(
                f'image_wise_weighting_ratio must lie in [0, 1] or be None, not {ratio}'
            )
        self.loss_weight = loss_weight
        self.image_wise_weighting_ratio = ratio

    def forward(self, logits: Tensor) -> Tensor:
        """A scalar, not positive, at least of float32, of logits (N, C, H, W)."""
        precision = torch.promote_types(logits.dtype, torch.float32)
        squares = class_probabilities(logits.to(precision)).square().sum(1)
        if self.image_wise_weighting_ratio is not None:
            squares = squares * self._relative_weights(logits)
        return -self.loss_weight / 2 * squares.mean()

    def _relative_weights(self, logits: Tensor) -> Tensor:
        """(N / N_c)^alpha of every pixel, shape (N, H, W), without a graph."""
        predicted = logits.detach().argmax(1)
        pixels = predicted.flatten(1)
        counts = pixels.new_zeros(logits.shape[:2])
        counts.scatter_add_(1, pixels, torch.ones_like(pixels))
        shares = (counts / pixels.shape[1]).gather(1, pixels)
        return shares.pow(-self.image_wise_weighting_ratio).view_as(predicted)
