"""Which pixels of a mixed image are those of the source.

Olsson et al., "ClassMix", WACV 2021; Tranheden et al., "DACS", WACV 2021.
"""

import torch
from torch import Tensor

from segda_mm.ops.pseudo_labels import IGNORE_INDEX


def class_mask(labels: Tensor, num_classes: int) -> Tensor:
    """Choose half of the classes of every image, rounded up, by torch's CPU generator.

    Args:
        labels: Train ids or 255, shape (N, H, W).
        num_classes: C.

    Returns:
        Where the chosen classes are, (N, H, W), bool; false on void.
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
    """Choose one rectangle of every image, (N, H, W) bool, by torch's CPU generator.

    French et al., "Semi-supervised semantic segmentation needs strong, varied
    perturbations", BMVC 2020 (CutMix of Yun et al., ICCV 2019, for segmentation).

    Args:
        labels: Shape (N, H, W); only the shape counts.
        min_share: Smallest share of the image's area, in (0, 1].
        max_share: Largest share; areas and places are uniform.
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
    rows = torch.arange(height, device=labels.device)
    columns = torch.arange(width, device=labels.device)
    in_rows = (rows >= top[:, None]) & (rows < (top + box_height)[:, None])
    in_columns = (columns >= left[:, None]) & (columns < (left + box_width)[:, None])
    return in_rows[:, :, None] & in_columns[:, None]
