"""Random regions of images: of the source in a mixed image, hidden, and of noise.

Mixed images carry objects of the source into images of the target: Olsson et al.,
"ClassMix", WACV 2021; between domains: Tranheden et al., "DACS", WACV 2021. All draw
from torch's global CPU generator.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from segda_mm.ops.pseudo_labels import IGNORE_INDEX


def class_mask(labels: Tensor, num_classes: int) -> Tensor:
    """Choose half of the classes of every image, rounded up: (N, H, W), bool.

    ``labels`` are train ids or 255, (N, H, W); void is never chosen.
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
    segmentation). Only the shape (N, H, W) of ``labels`` counts; shares are those of
    the image's area, in (0, 1].
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


def block_mask(
    num_images: int, size: Sequence[int], ratio: float, block_size: int
) -> Tensor:
    """Keep each square of a grid with probability 1 - ratio: (N, H, W), bool.

    Hoyer et al., "MIC", CVPR 2023, Eq. 5. Squares of ``block_size`` pixels begin in the
    upper left corner, and are cut off at the other borders of ``size``, (H, W).
    """
    height, width = size
    rows, columns = -(-height // block_size), -(-width // block_size)
    kept = torch.rand(num_images, rows, columns) > ratio
    kept = kept.repeat_interleave(block_size, 1).repeat_interleave(block_size, 2)
    return kept[:, :height, :width]


def between(starts: Tensor, lengths: Tensor, size: int) -> Tensor:
    """Which of ``size`` places lie in each of N intervals, (N, size), bool."""
    places = torch.arange(size, device=starts.device)
    return (places >= starts[:, None]) & (places < (starts + lengths)[:, None])


def add_noise_patch(inputs: Tensor, sigma: float) -> Tensor:
    """Add Gaussian noise to one random rectangle of each image (N, 3, H, W).

    Its sides are uniform in [1, H] and [1, W]; the noise, of standard deviation
    ``sigma``, is drawn on the inputs' own device. The inputs are not changed.
    """
    num_images, _, height, width = inputs.shape
    corners = torch.rand(num_images, 4).to(inputs.device)
    box_height = (corners[:, 0] * height).floor() + 1
    box_width = (corners[:, 1] * width).floor() + 1
    top = (corners[:, 2] * (height - box_height + 1)).floor()
    left = (corners[:, 3] * (width - box_width + 1)).floor()
    rows = between(top, box_height, height)[:, None, :, None]
    inside = rows & between(left, box_width, width)[:, None, None]
    return inputs + torch.randn_like(inputs) * inside * sigma
