"""Objects of the source in images of the target."""

from torch import Tensor, nn

from segda_mm.ops.domain_mixing import class_mask
from segda_mm.registry import MODELS


@MODELS.register_module()
class ClassMix(nn.Module):
    """The pixels of half of the classes of each source image.

    Olsson et al., WACV 2021, between domains as in DACS (Tranheden et al., WACV
    2021).
    """

    def forward(self, labels: Tensor, num_classes: int) -> Tensor:
        """Choose the source's pixels.

        Args:
            labels: Of the source, train ids or 255, shape (N, H, W).
            num_classes: Number of classes.

        Returns:
            Shape (N, H, W), bool.
        """
        return class_mask(labels, num_classes)
