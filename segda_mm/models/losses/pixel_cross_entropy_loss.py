"""Cross-entropy of pixels that goes through the memory in its own order."""

import torch
from mmseg.models.losses import CrossEntropyLoss
from torch import Tensor

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
            avg_factor: What the sum is divided by; None: the number of
                labelled pixels.
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
