"""From class labels, center heatmaps and offsets to panoptic maps, without learning.

Cheng et al., "Panoptic-DeepLab", CVPR 2020, section 3.2 "Instance representation"
and "Panoptic segmentation".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from segda_mm.ops.panoptic_codes import LABEL_DIVISOR, VOID_CLASS, VOID_CODE

#: The grid that finds the few centers worth comparing: cells are at least this
#: many pixels wide, and at most ``CELLS_PER_AXIS`` lie along each axis.
CELL_SIZE = 16
CELLS_PER_AXIS = 64

#: Pixels grouped at once: a few rows, for which a small grid is enough, and
#: buffers that stay in the cache.
PIXELS_AT_ONCE = 2**17


@dataclass(frozen=True)
class Centers:
    """The centers found in one image, the strongest first.

    Attributes:
        points: (y, x) in pixels, shape (K, 2), int64.
        values: Of the heatmap at the points, shape (K,), float32, falling.
    """

    points: Tensor
    values: Tensor


@dataclass(frozen=True)
class PanopticPrediction:
    """The panoptic map of one image and its instances.

    Instances stand in the order of their centers, the strongest first; their
    numbers count from 1 in each class in this order.

    Attributes:
        codes: Panoptic codes (see :mod:`segda_mm.ops.panoptic_codes`), shape
            (H, W), int32.
        instance_codes: Shape (K,), int32.
        instance_labels: Train ids, shape (K,), int64.
        center_values: Heatmap at the instances' centers, shape (K,), float32.
    """

    codes: Tensor
    instance_codes: Tensor
    instance_labels: Tensor
    center_values: Tensor


def find_centers(
    center_heatmap: Tensor,
    threshold: float = 0.1,
    kernel_size: int = 7,
    top_k: int = 200,
) -> list[Centers]:
    """Find the peaks of center heatmaps.

    A peak is a pixel above the threshold that no pixel of the window around
    it exceeds; of a plateau, every pixel is one.

    Args:
        center_heatmap: Shape (N, 1, H, W), floating point.
        threshold: Peaks are strictly above it.
        kernel_size: Side of the window in pixels, odd.
        top_k: Peaks kept of an image. The strongest are, and of equal ones
            those that come first row by row.

    Returns:
        One for each of the N images; K may be 0.

    Raises:
        ValueError: The heatmap is not (N, 1, H, W) or holds NaN,
            ``kernel_size`` is not odd, or ``top_k`` is not in [1, 999].
    """
    if center_heatmap.ndim != 4 or center_heatmap.shape[1] != 1:
        raise ValueError(
            f'the center heatmap has the shape {tuple(center_heatmap.shape)}, '
            'but must be (N, 1, H, W)'
        )
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(
            f'nms_kernel_size is {kernel_size}, but must be odd and positive'
        )
    if not 1 <= top_k < LABEL_DIVISOR:
        raise ValueError(
            f'top_k is {top_k}, but must lie in [1, {LABEL_DIVISOR - 1}]: a panoptic '
            'code has no room for more instances'
        )
    return [
        _peaks(heatmap, threshold, kernel_size, top_k)
        for heatmap in center_heatmap.detach()[:, 0]
    ]


def group_pixels(points: Tensor, offset: Tensor, pixels: Tensor) -> Tensor:
    """Find the center nearest to where each pixel points.

    Where a pixel points is its place plus its offset. The nearest center has
    the smallest ``dy * dy + dx * dx`` in float32, every operation rounded for
    itself; of equally near ones the first. Only centers that can be nearest
    somewhere in a cell of a grid are compared with the pixels that point
    there, some rows at a time, so that memory grows neither with the number
    of centers times that of pixels nor with the size of the image.

    Args:
        points: Centers (y, x), shape (K, 2), integers, K at least 1.
        offset: (y, x) in pixels, shape (2, H, W), floating point.
        pixels: Indices of the pixels to group in the flattened (H, W) map,
            shape (P,), int64.

    Returns:
        Index of a center for each pixel, shape (P,), int64.

    Raises:
        ValueError: There are pixels but no center, or an offset of one of the pixels is
            NaN or infinite.
    """
    if not len(pixels):
        return pixels.clone()
    if not len(points):
        raise ValueError('there is no center to group the pixels to')
    points = points.float()
    return torch.cat(
        [
            _nearest(points, _targets(offset, some_pixels))
            for some_pixels in pixels.split(PIXELS_AT_ONCE)
        ]
    )


def panoptic_post_processing(
    sem_seg: Tensor,
    center_heatmap: Tensor,
    offset: Tensor,
    thing_classes: Sequence[int],
    center_threshold: float = 0.1,
    nms_kernel_size: int = 7,
    top_k: int = 200,
    stuff_area: int = 4096,
) -> list[PanopticPrediction]:
    """Merge class labels and class-agnostic instances into panoptic maps.

    Pixels labelled as a thing go to the nearest center; an instance takes the
    class that most of its pixels have, of equally many the lowest. Things are
    void where the image has no center at all. A class of stuff that covers
    less than ``stuff_area`` pixels of an image is void there.

    Args:
        sem_seg: Predicted train ids, shape (N, H, W), int64, in [0, 255];
            255 stays void.
        center_heatmap: Shape (N, 1, H, W), floating point.
        offset: (y, x) from a pixel to the center of its instance, in pixels,
            shape (N, 2, H, W), floating point.
        thing_classes: Train ids of the classes that have instances.
        center_threshold: See :func:`find_centers`.
        nms_kernel_size: See :func:`find_centers`.
        top_k: See :func:`find_centers`.
        stuff_area: In pixels.

    Returns:
        One for each of the N images, on the device of the inputs.

    Raises:
        ValueError: The shapes do not agree, labels lie outside [0, 255], a
            thing class lies outside [0, 254], and whatever :func:`find_centers` and
            :func:`group_pixels` refuse.
    """
    _check_shapes(sem_seg, center_heatmap, offset)
    is_thing_class = _is_thing_class(thing_classes, sem_seg.device)
    centers = find_centers(center_heatmap, center_threshold, nms_kernel_size, top_k)
    return [
        _merge(*image, is_thing_class, stuff_area)
        for image in zip(sem_seg, centers, offset.detach())
    ]


def instance_scores(seg_logits: Tensor, prediction: PanopticPrediction) -> Tensor:
    """Score instances by the probability of their class and their center.

    The score is the mean, over the pixels of an instance, of the softmax
    probability of its class, times the heatmap at its center.

    Args:
        seg_logits: Shape (C, H, W), floating point. Logarithms of
            probabilities are logits too.
        prediction: Of the same image, K instances.

    Returns:
        Shape (K,), float32.

    Raises:
        ValueError: The size of the logits is not that of the panoptic map.
    """
    if seg_logits.ndim != 3 or seg_logits.shape[1:] != prediction.codes.shape:
        raise ValueError(
            f'the logits have the shape {tuple(seg_logits.shape)}, which does not '
            f'fit a panoptic map of {tuple(prediction.codes.shape)}'
        )
    num_instances = len(prediction.instance_codes)
    device = prediction.codes.device
    # One entry more than there are instances takes in all other pixels.
    index_of_code = torch.full(
        ((VOID_CLASS + 1) * LABEL_DIVISOR,), num_instances, device=device
    )
    index_of_code[prediction.instance_codes.long()] = torch.arange(
        num_instances, device=device
    )
    instances = index_of_code.index_select(0, prediction.codes.flatten())
    pixels = (instances < num_instances).nonzero()[:, 0]
    instances = instances[pixels]

    logits = seg_logits.detach().flatten(1).index_select(1, pixels).float()
    labels = prediction.instance_labels[instances]
    probabilities = (logits.gather(0, labels[None])[0] - logits.logsumexp(0)).exp()
    # Sums of whole numbers do not depend on the order of the summands, which
    # is not fixed on a GPU. 2 ** 22 pixels have room.
    levels = (probabilities.double() * 2**40).long()
    sums = levels.new_zeros(num_instances).index_add_(0, instances, levels)
    areas = torch.bincount(instances, minlength=num_instances)
    means = sums.double() / 2**40 / areas
    return means.float() * prediction.center_values


def _peaks(heatmap: Tensor, threshold: float, kernel_size: int, top_k: int) -> Centers:
    if heatmap.numel() and heatmap.amax().isnan():
        raise ValueError(
            'the center heatmap holds NaN: the network has diverged, or its '
            'checkpoint is broken'
        )
    # A pooling layer compares kernel_size ** 2 values a pixel; windows of
    # doubling size reach the same maximum in a handful of comparisons.
    radius = kernel_size // 2
    padded = F.pad(heatmap, (radius,) * 4, value=float('-inf'))
    highest = _running_maximum(_running_maximum(padded, kernel_size, 0), kernel_size, 1)
    pixels = (heatmap > threshold).flatten().nonzero()[:, 0]
    values = heatmap.flatten().index_select(0, pixels)
    is_peak = values == highest.flatten().index_select(0, pixels)
    pixels, values = pixels[is_peak], values[is_peak]
    # Unlike topk, a stable sort keeps equal values in their order.
    order = values.sort(descending=True, stable=True).indices[:top_k]
    pixels, width = pixels[order], heatmap.shape[1]
    points = torch.stack([pixels // width, pixels % width], 1)
    return Centers(points, values[order].float())


def _running_maximum(values: Tensor, size: int, axis: int) -> Tensor:
    """Maximum of every window of ``size`` along an axis that lies inside."""
    covered = 1
    while covered < size:
        step = min(covered, size - covered)
        length = values.shape[axis] - step
        values = torch.maximum(
            values.narrow(axis, 0, length), values.narrow(axis, step, length)
        )
        covered += step
    return values


def _targets(offset: Tensor, pixels: Tensor) -> Tensor:
    """Where pixels point, (y, x), shape (2, P), float32."""
    targets = offset.flatten(1).index_select(1, pixels).float()
    width = offset.shape[2]
    rows = torch.div(pixels, width, rounding_mode='floor')
    targets[0] += rows
    targets[1] += pixels - rows * width
    return targets


def _nearest(points: Tensor, targets: Tensor) -> Tensor:
    """Index of the point nearest to each target, shape (P,), int64."""
    cells, candidates, starts, counts = _candidates(targets, points)
    nearest = candidates[starts].index_select(0, cells)
    # Most cells are near one center only, and these pixels are done.
    undecided = (counts > 1).index_select(0, cells).nonzero()[:, 0]
    cells = cells.index_select(0, undecided)
    targets = targets.index_select(1, undecided)
    best = nearest.index_select(0, undecided)
    best_distance = _squared_distance(targets, points.index_select(0, best))
    rank = 1
    while len(undecided):
        candidate = candidates.index_select(0, starts.index_select(0, cells) + rank)
        distance = _squared_distance(targets, points.index_select(0, candidate))
        # Strictly, as candidates come in the order of their indices.
        is_nearer = distance < best_distance
        best = torch.where(is_nearer, candidate, best)
        best_distance = torch.where(is_nearer, distance, best_distance)
        nearest[undecided] = best
        rank += 1
        rest = (counts > rank).index_select(0, cells).nonzero()[:, 0]
        undecided = undecided.index_select(0, rest)
        cells = cells.index_select(0, rest)
        targets = targets.index_select(1, rest)
        best = best.index_select(0, rest)
        best_distance = best_distance.index_select(0, rest)
    return nearest


def _candidates(
    targets: Tensor, points: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The centers that can be nearest to any place of a cell, for every cell.

    A center cannot if its distance to the nearest place of the cell exceeds
    another center's distance to the farthest.

    Returns:
        The cell of each target, shape (P,), int64; the candidates of all cells
        one after the other, rising indices within a cell, int64; where those
        of a cell start and how many they are, shape (number of cells,), int64.
    """
    lowest, highest = targets.aminmax(dim=1)
    extent = highest - lowest
    if not extent.isfinite().all():
        raise ValueError(
            'the offsets hold NaN or infinity: the network has diverged, or its '
            'checkpoint is broken'
        )
    size = (extent / (CELLS_PER_AXIS - 1)).clamp(min=CELL_SIZE)
    rows, columns = (extent / size).long() + 1
    cell_rows = ((targets[0] - lowest[0]) / size[0]).long()
    cell_columns = ((targets[1] - lowest[1]) / size[1]).long()
    cells = cell_rows * columns + cell_columns

    near, far = [], []
    for axis, length in enumerate((rows, columns)):
        index = torch.arange(length, device=targets.device)
        middle = lowest[axis] + (index + 0.5) * size[axis]
        distance = (points[:, axis] - middle[:, None]).abs()
        # Wider than half a cell by more than rounding moves a target.
        reach = 0.501 * size[axis]
        near.append((distance - reach).clamp(min=0) ** 2)
        far.append((distance + reach) ** 2)
    nearest_place = (near[0][:, None] + near[1]).flatten(0, 1)
    farthest_place = (far[0][:, None] + far[1]).flatten(0, 1)
    limit = farthest_place.amin(1, keepdim=True)
    # The margin again is there for rounding.
    can_be_nearest = nearest_place <= limit * 1.001
    counts = can_be_nearest.sum(1)
    candidates = can_be_nearest.nonzero()[:, 1]
    return cells, candidates, counts.cumsum(0) - counts, counts


def _squared_distance(targets: Tensor, points: Tensor) -> Tensor:
    """Between (2, P) and (P, 2), shape (P,)."""
    dy = targets[0] - points[:, 0]
    dx = targets[1] - points[:, 1]
    return dy.mul_(dy).add_(dx.mul_(dx))


def _check_shapes(sem_seg: Tensor, center_heatmap: Tensor, offset: Tensor) -> None:
    if sem_seg.ndim != 3:
        raise ValueError(
            f'the labels have the shape {tuple(sem_seg.shape)}, but must be (N, H, W)'
        )
    number, *size = sem_seg.shape
    for name, maps, channels in (
        ('center heatmap', center_heatmap, 1),
        ('offset', offset, 2),
    ):
        if tuple(maps.shape) != (number, channels, *size):
            raise ValueError(
                f'the {name} has the shape {tuple(maps.shape)}, but labels of '
                f'{tuple(sem_seg.shape)} need {(number, channels, *size)}'
            )


def _is_thing_class(thing_classes: Sequence[int], device: torch.device) -> Tensor:
    """Shape (256,), bool."""
    outside = [c for c in thing_classes if not 0 <= c < VOID_CLASS]
    if outside:
        raise ValueError(
            f'thing_classes names {outside}, but train ids lie in [0, {VOID_CLASS - 1}]'
        )
    is_thing_class = torch.zeros(VOID_CLASS + 1, dtype=torch.bool, device=device)
    is_thing_class[list(thing_classes)] = True
    return is_thing_class


def _merge(
    sem_seg: Tensor,
    centers: Centers,
    offset: Tensor,
    is_thing_class: Tensor,
    stuff_area: int,
) -> PanopticPrediction:
    labels = sem_seg.flatten()
    lowest, highest = labels.aminmax()
    if lowest < 0 or highest > VOID_CLASS:
        raise ValueError(
            f'the labels lie in [{lowest}, {highest}], but must lie in '
            f'[0, {VOID_CLASS}]'
        )
    num_labels = VOID_CLASS + 1
    areas = torch.bincount(labels, minlength=num_labels)
    is_void = is_thing_class | (areas < stuff_area)
    codes_of_stuff = torch.arange(num_labels, device=labels.device) * LABEL_DIVISOR
    codes_of_stuff = codes_of_stuff.masked_fill(is_void, VOID_CODE).int()
    codes = codes_of_stuff.index_select(0, labels)

    pixels = is_thing_class.index_select(0, labels).nonzero()[:, 0]
    num_centers = len(centers.points)
    if not num_centers:
        pixels = pixels[:0]
    centers_of_pixels = group_pixels(centers.points, offset, pixels)
    votes = torch.bincount(
        centers_of_pixels * num_labels + labels.index_select(0, pixels),
        minlength=num_centers * num_labels,
    ).view(num_centers, num_labels)
    used = votes.any(1).nonzero()[:, 0]
    instance_labels = votes[used].argmax(1)
    numbers = (instance_labels[:, None] == instance_labels).tril().sum(1)
    instance_codes = (instance_labels * LABEL_DIVISOR + numbers).int()

    codes_of_centers = instance_codes.new_zeros(num_centers)
    codes_of_centers[used] = instance_codes
    codes.scatter_(0, pixels, codes_of_centers.index_select(0, centers_of_pixels))
    return PanopticPrediction(
        codes.view(sem_seg.shape), instance_codes, instance_labels, centers.values[used]
    )
