"""Cross entropy of the pixels that are hardest at the moment."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from segda_mm.ops.panoptic_codes import VOID_CLASS
from segda_mm.registry import MODELS

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
