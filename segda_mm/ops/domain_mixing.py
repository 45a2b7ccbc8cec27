"""Which pixels of a mixed image are those of the source.

Mixed images carry objects of the source into images of the target: Olsson et al.,
"ClassMix", WACV 2021; between domains: Tranheden et al., "DACS", WACV 2021.
"""

import torch
from torch import Tensor

from segda_mm.ops.pseudo_labels import IGNORE_INDEX


def class_mask(labels: Tensor, num_classes: int) -> Tensor:
    """Choose half of the classes of every image, rounded up.

    Draws from torch's global CPU generator.

    Args:
        labels: Train ids or 255, shape (N, H, W), integers.
        num_classes: Number of classes C.

    Returns:
        Where the chosen classes are, shape (N, H, W), bool; false on void.
    """
    is_void = labels == IGNORE_INDEX
    classes = labels.masked_fill(is_void, num_classes).flatten(1).long()
    present = torch.zeros(
        len(labels), num_classes + 1, dtype=torch.bool, device=labels.device
    )
    present = present.scatter(1, classes, True)[:, :num_classes]
    scores = torch.rand(len(labels), num_classes).to(labels.device)
    ranks = (
        scores.masked_fill(~present, -1).argsort(dim=1, descending=True).argsort(dim=1)
    )
    wanted = (present.sum(1, keepdim=True) + 1) // 2
    chosen = torch.nn.functional.pad((ranks < wanted) & present, (0, 1))
    return chosen.gather(1, classes).view_as(labels)


def box_mask(labels: Tensor, min_share: float, max_share: float) -> Tensor:
    """Choose one rectangle of every image, of uniform area and place.

    French et al., "Semi-supervised semantic segmentation needs strong, varied
    perturbations", BMVC 2020 (CutMix of Yun et al., ICCV 2019, for
    segmentation). Draws from torch's global CPU generator.

    Args:
        labels: Shape (N, H, W); its values are not looked at.
        min_share: Smallest share of the image's area, in (0, 1].
        max_share: Largest share.

    Returns:
        Shape (N, H, W), bool.
    """
    num_images, height, width = labels.shape
    share, shape, top, left = torch.rand(4, num_images).to(labels.device)
    share = min_share + (max_share - min_share) * share
    # The side's share lies between the area's (the other side is full) and 1.
    side = share**shape
    box_height = (side * height).round().clamp(min=1)
    box_width = (share / side * width).round().clamp(min=1)
    top = (top * (height - box_height + 1)).floor()
    left = (left * (width - box_width + 1)).floor()
    rows = between(top, box_height, height)
    return rows[:, :, None] & between(left, box_width, width)[:, None]


def between(starts: Tensor, lengths: Tensor, size: int) -> Tensor:
    """Which of ``size`` places lie in each of N intervals, (N, size), bool."""
    places = torch.arange(size, device=starts.device)
    return (places >= starts[:, None]) & (places < (starts + lengths)[:, None])
