"""Distance between maps of numbers where a mask says that it counts."""

from __future__ import annotations

from mmengine.dist import all_reduce
from torch import Tensor, nn

from segda_mm.registry import MODELS

NORMS = ('l1', 'l2')


@MODELS.register_module()
class MaskedRegressionLoss(nn.Module):
    """Absolute or squared error, as the weighted mean over the batch's pixels.

    The losses of centers (l2) and offsets (l1) of Cheng et al.,
    "Panoptic-DeepLab", CVPR 2020, section 3.3.

    Args:
        norm: ``'l1'``, the absolute error, or ``'l2'``, the squared one.
        loss_weight: Factor of the result.
    """

    def __init__(self, norm: str, loss_weight: float) -> None:
        super().__init__()
        if norm not in NORMS:
            raise ValueError(f'norm must be one of {NORMS}, not {norm!r}')
        self.norm = norm
        self.loss_weight = loss_weight

    def forward(self, prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """A scalar of maps (N, C, H, W) and weights (N, 1, H, W); 0 where all are 0."""
        error = prediction - target
        error = error.abs() if self.norm == 'l1' else error.square()
        # Of all processes: the mean of their losses is then that of one batch.
        total_weight = weight.sum() * prediction.shape[1]
        all_reduce(total_weight, 'mean')
        # Weights are counted in whole pixels, so that only their absence is 0.
        mean = (error * weight).sum() / total_weight.where(total_weight > 0, 1)
        return self.loss_weight * mean
