"""Cross-entropies of pixels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmseg.models.losses import CrossEntropyLoss
from torch import Tensor, nn

from segda_mm.ops.panoptic_codes import VOID_CLASS
from segda_mm.registry import MODELS


@MODELS.register_module()
class PixelCrossEntropyLoss(CrossEntropyLoss):
    """mmseg's ``CrossEntropyLoss``, faster where channels are last in memory.

    With ``avg_non_ignore=True``; class weights are then divided by their sum over
    the labelled pixels. Other arguments and values are mmseg's.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs, avg_non_ignore=True)

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        avg_factor: Tensor | None = None,
        reduction_override: str | None = None,
        ignore_index: int = -100,
        **kwargs,
    ) -> Tensor:
        """Compare logits (N, C, H, W) with labels (N, H, W); arguments are mmseg's."""
        reduction = reduction_override or self.reduction
        if avg_factor is None and reduction == 'mean':
            avg_factor = self._sum_of_weights(cls_score, label, ignore_index)
        pixels = cls_score.permute(0, 2, 3, 1).flatten(0, 2)
        loss = super().forward(
            pixels,
            label.flatten(),
            None if weight is None else weight.flatten(),
            avg_factor=avg_factor,
            reduction_override=reduction_override,
            ignore_index=ignore_index,
            **kwargs,
        )
        return loss.view_as(label) if reduction == 'none' else loss

    def _sum_of_weights(
        self, cls_score: Tensor, label: Tensor, ignore_index: int
    ) -> Tensor:
        counted = label != ignore_index
        wanted = torch.promote_types(cls_score.dtype, torch.float32)
        if self.class_weight is None:
            return counted.sum().to(wanted)
        class_weight = cls_score.new_tensor(self.class_weight, dtype=wanted)
        return (class_weight[label.masked_fill(~counted, 0)] * counted).sum()


@MODELS.register_module()
class HardPixelCrossEntropy(nn.Module):
    """Mean weighted cross entropy over the hardest pixels of each image.

    Yang et al., "DeeperLab", 2019, with the weights of Cheng et al.,
    "Panoptic-DeepLab", CVPR 2020, section 3.3. The k pixels of an image with the
    largest losses w * -log p(label) count, as far as these are not 0; the result
    is the mean over images.

    Args:
        hard_fraction: k as a share of all pixels, void included, in (0, 1].
        loss_weight: Factor of the result.
        ignore_index: The label of void.
    """

    def __init__(
        self,
        hard_fraction: float,
        loss_weight: float,
        ignore_index: int = VOID_CLASS,
    ) -> None:
        super().__init__()
        if not 0 < hard_fraction <= 1:
            raise ValueError(f'hard_fraction must lie in (0, 1], not {hard_fraction}')
        self.hard_fraction = hard_fraction
        self.loss_weight = loss_weight
        self.ignore_index = ignore_index

    def forward(
        self, seg_logits: Tensor, labels: Tensor, weight: Tensor | None = None
    ) -> Tensor:
        """A scalar; 0 with a graph where all pixels are void.

        Args:
            seg_logits: Shape (N, C, H, W).
            labels: Train ids or ``ignore_index``, shape (N, H, W), int64.
            weight: Of each pixel, shape (N, H, W); None: 1.
        """
        losses = F.cross_entropy(
            seg_logits, labels, reduction='none', ignore_index=self.ignore_index
        )
        if weight is not None:
            losses = losses * weight
        losses = losses.flatten(1)
        num_hard = max(int(self.hard_fraction * losses.shape[1]), 1)
        hardest = losses.topk(num_hard, dim=1, sorted=False).values
        num_counted = hardest.count_nonzero(dim=1).clamp(min=1)
        return self.loss_weight * (hardest.sum(dim=1) / num_counted).mean()
