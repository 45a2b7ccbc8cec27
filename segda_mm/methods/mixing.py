"""What parts of a source image go into a target image.

Called with the source's labels, (N, H, W), train ids or 255, and the number of
classes; the mask of the source's pixels, (N, H, W), is bool.
"""

from torch import Tensor, nn

from segda_mm.ops.domain_mixing import box_mask, class_mask
from segda_mm.registry import MODELS


@MODELS.register_module()
class ClassMix(nn.Module):
    """The pixels of half of the classes of each source image.

    Olsson et al., WACV 2021, between domains as in DACS (Tranheden et al., WACV
    2021).
    """

    def forward(self, labels: Tensor, num_classes: int) -> Tensor:
        """Choose the source's pixels."""
        return class_mask(labels, num_classes)


@MODELS.register_module()
class CutMix(nn.Module):
    """One rectangle of each source image.

    Yun et al., ICCV 2019; for segmentation French et al., BMVC 2020.

    Args:
        min_share: Smallest area of a rectangle as a share of the image, above 0.
        max_share: Largest area, at most 1.

    Raises:
        ValueError: Not 0 < min_share <= max_share <= 1.
    """

    def __init__(self, min_share: float, max_share: float) -> None:
        super().__init__()
        if not 0 < min_share <= max_share <= 1:
            raise ValueError(
                f'min_share={min_share} and max_share={max_share} of CutMix must '
                'satisfy 0 < min_share <= max_share <= 1'
            )
        self.min_share, self.max_share = min_share, max_share

    def forward(self, labels: Tensor, num_classes: int) -> Tensor:
        """Choose the source's pixels."""
        return box_mask(labels, self.min_share, self.max_share)
