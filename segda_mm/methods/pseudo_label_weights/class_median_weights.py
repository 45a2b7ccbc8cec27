"""Nothing or everything, by the median of the pixel's class."""

from torch import Tensor, nn

from segda_mm.ops.pseudo_labels import (
    IGNORE_INDEX,
    mask_low_confidence,
    median_thresholds,
)
from segda_mm.registry import MODELS


@MODELS.register_module()
class ClassMedianWeights(nn.Module):
    """Weight 1 for pixels that reach the median of their class, 0 for others.

    "Meta Pseudo Labels for Real-Time Semantic Segmentation", section "Pseudo
    Labels", step 2.

    Args:
        cap: Upper limit of the class thresholds (the paper: 0.9).
        scope: ``'image'`` or ``'batch'``.
    """

    def __init__(self, cap: float, scope: str) -> None:
        super().__init__()
        self.cap, self.scope = cap, scope

    def forward(self, confidence: Tensor, labels: Tensor, num_classes: int) -> Tensor:
        """Weigh pixels.

        Args:
            confidence: Top-1 probabilities, shape (N, H, W), in [0, 1].
            labels: Predicted classes, shape (N, H, W), integers.
            num_classes: Number of classes.

        Returns:
            Shape (N, H, W), dtype of ``confidence``, 0 or 1.
        """
        thresholds = median_thresholds(
            confidence, labels, num_classes, self.cap, self.scope
        )
        kept = mask_low_confidence(labels, confidence, thresholds) != IGNORE_INDEX
        return kept.to(confidence.dtype)
