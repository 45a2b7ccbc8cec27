"""One weight for an image: how much of it the teacher is sure of."""

from torch import Tensor, nn

from segda_mm.registry import MODELS


@MODELS.register_module()
class ConfidentShareWeights(nn.Module):
    """The share of an image's pixels whose confidence reaches a threshold.

    Every pixel of the image has this weight: no class is left out because the
    teacher is never sure of it. Tranheden et al., "DACS", WACV 2021.

    Args:
        threshold: Confidence, in [0, 1] (DACS: 0.968).
    """

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, confidence: Tensor, labels: Tensor, num_classes: int) -> Tensor:
        """Weigh images.

        Args:
            confidence: Top-1 probabilities, shape (N, H, W), in [0, 1].
            labels: Not looked at.
            num_classes: Not looked at.

        Returns:
            Shape (N, H, W), dtype of ``confidence``, in [0, 1], constant in an
            image.
        """
        share = (confidence >= self.threshold).to(confidence.dtype).mean((1, 2))
        return share[:, None, None].expand_as(confidence)
