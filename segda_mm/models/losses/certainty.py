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
            A scalar, at least of float32.
        """
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
    Squares Loss", ICCV 2019: -1/(2 N) sum p^2 over the N pixels and C classes,
    between -1/2, where a class is certain, and -1/(2 C), where all are as
    likely. Its gradient grows linearly with p, where that of the entropy is
    dominated by the pixels that are easy.

    Args:
        loss_weight: Factor of the result.
        image_wise_weighting_ratio: alpha of the image-wise weighting (section
            3.3; the paper: 0.2), in [0, 1]. As in the authors' program, a pixel
            counts 1 / (N_c^alpha N^(1 - alpha)) instead of 1 / N, where N_c of
            the image's N pixels are predicted as its class. None: as 0.

    Raises:
        ValueError: ``image_wise_weighting_ratio`` is not in [0, 1].
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
        """Compute the loss.

        Args:
            logits: Shape (N, C, H, W).

        Returns:
            A scalar, not positive, at least of float32.
        """
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
