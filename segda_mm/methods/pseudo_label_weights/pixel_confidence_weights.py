"""Every pixel by the teacher's own confidence in it."""

from torch import Tensor, nn

from segda_mm.registry import MODELS


@MODELS.register_module()
class PixelConfidenceWeights(nn.Module):
    """A power of the confidence; no threshold decides.

    Args:
        exponent: Of the confidence; larger ones trust doubtful pixels less.
    """

    def __init__(self, exponent: float) -> None:
        super().__init__()
        self.exponent = exponent

    def forward(self, confidence: Tensor, labels: Tensor, num_classes: int) -> Tensor:
        """Weigh pixels.

        Args:
            confidence: Top-1 probabilities, shape (N, H, W), in [0, 1].
            labels: Not looked at.
            num_classes: Not looked at.

        Returns:
            Shape (N, H, W), dtype of ``confidence``, in [0, 1].
        """
        return confidence**self.exponent
