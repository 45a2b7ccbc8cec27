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

    PyTorch copies such logits to channels first and back; taken as a table of
    pixels they need no copy. The number of labelled pixels, by which
    ``avg_non_ignore`` divides, stays on the device; with class weights it is
    their sum over these pixels, where mmseg stops with an error. Values and
    arguments are otherwise those of
    :class:`mmseg.models.losses.CrossEntropyLoss` with ``avg_non_ignore=True``.
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
        """Compare logits with labels.

        Args:
            cls_score: Logits, shape (N, C, H, W).
            label: Classes or ``ignore_index``, shape (N, H, W).
            weight: Of the pixels, shape (N, H, W).
            avg_factor: Divisor of the sum; None: the number of labelled pixels.
            reduction_override: ``'none'``, ``'mean'`` or ``'sum'``.
            ignore_index: Label of the pixels without loss.
            **kwargs: See mmseg.

        Returns:
            A scalar; for the reduction ``'none'`` shape (N, H, W).
        """
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


SCOPES = ('image', 'batch')


@MODELS.register_module()
class HardPixelCrossEntropy(nn.Module):
    """Mean weighted cross entropy over a share of the pixels, the hardest ones.

    Bootstrapped as in Yang et al., "DeeperLab", 2019, with the weights of
    Cheng et al., "Panoptic-DeepLab", CVPR 2020, section 3.3. A pixel's loss is
    -w log p(label), 0 on void; the k pixels with the largest losses count,
    where k is the share of all pixels, void ones included.

    Args:
        hard_fraction: The share of pixels, in (0, 1]; the papers: 0.15, 0.2.
        loss_weight: Factor of the result.
        scope: What the pixels are chosen from. ``'image'``: from each image,
            whose loss is then the sum over the chosen pixels divided by the
            number of those whose loss is not 0; the result is the mean over
            images. ``'batch'``: from all images together; the result is the
            sum divided by k.
        ignore_index: The label of void.

    Raises:
        ValueError: ``hard_fraction`` or ``scope`` is not one of the above.
    """

    def __init__(
        self,
        hard_fraction: float,
        loss_weight: float,
        scope: str = 'image',
        ignore_index: int = VOID_CLASS,
    ) -> None:
        super().__init__()
        if not 0 < hard_fraction <= 1:
            raise ValueError(f'hard_fraction must lie in (0, 1], not {hard_fraction}')
        if scope not in SCOPES:
            raise ValueError(f'scope must be one of {SCOPES}, not {scope!r}')
        self.hard_fraction = hard_fraction
        self.loss_weight = loss_weight
        self.scope = scope
        self.ignore_index = ignore_index

    def forward(
        self, seg_logits: Tensor, labels: Tensor, weight: Tensor | None = None
    ) -> Tensor:
        """Compute the loss.

        Args:
            seg_logits: Shape (N, C, H, W).
            labels: Train ids or ``ignore_index``, shape (N, H, W), int64.
            weight: Factor of each pixel's loss, not negative, shape
                (N, H, W); None is 1 everywhere.

        Returns:
            A scalar; 0 with a graph where all pixels are void.
        """
        losses = F.cross_entropy(
            seg_logits, labels, reduction='none', ignore_index=self.ignore_index
        )
        if weight is not None:
            losses = losses * weight
        losses = losses.flatten(1) if self.scope == 'image' else losses.view(1, -1)
        num_hard = max(int(self.hard_fraction * losses.shape[1]), 1)
        hardest = losses.topk(num_hard, dim=1, sorted=False).values
        if self.scope == 'image':
            num_counted = hardest.count_nonzero(dim=1).clamp(min=1)
        else:
            num_counted = num_hard
        return self.loss_weight * (hardest.sum(dim=1) / num_counted).mean()
