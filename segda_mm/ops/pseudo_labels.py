"""Class thresholds of pseudo labels: the median of a class's confidences.

Montresori, Rosini, Vanderputten: "Meta Pseudo Labels for Real-Time Semantic
Segmentation", section "Pseudo Labels", step 2: pixels under their class's median,
at most 0.9, become void. ``class_medians`` sorts and is exact; the histogram
streams over a data set in constant memory and is exact to half a level.
"""

import torch
from torch import Tensor

IGNORE_INDEX = 255
NUM_LEVELS = 65536
TOP_LEVEL = NUM_LEVELS - 1


def class_medians(confidence: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Median confidence (C,) of the pixels predicted as each class; NaN without any.

    Args:
        confidence: Top-1 probabilities, any shape, single or half precision.
        labels: Predicted classes, same shape, integers in [0, C).
        num_classes: C.
    """
    if not confidence.numel():
        return confidence.new_full((num_classes,), float('nan'))
    # The bits of floats that are not negative rise with their value, so that
    # one sort of (class, bits) orders the confidences of every class.
    keys = labels.flatten().long() << 32
    keys |= confidence.detach().flatten().float().view(torch.int32)
    keys = _sort(keys)
    borders = torch.arange(num_classes + 1, device=keys.device) << 32
    borders = torch.searchsorted(keys, borders)
    starts, counts = borders[:-1], borders.diff()
    # An absent class points at a neighbour's value, replaced by NaN below.
    lower = starts + (counts - 1).clamp(min=0) // 2
    upper = starts + counts // 2
    middle = keys[torch.stack([lower, upper]).clamp(max=len(keys) - 1)]
    # What is left of a key without its class is the float again.
    middle = middle.bitwise_and(2**32 - 1).int().view(torch.float32)
    medians = middle.mean(0).masked_fill(counts == 0, float('nan'))
    return medians.to(confidence.dtype)


def _sort(keys: Tensor) -> Tensor:
    """Sort integers, in place where they are on the CPU."""
    if keys.device.type != 'cpu':
        return keys.sort().values
    # Ten times as fast as PyTorch's, which sorts places along with the keys.
    keys.numpy().sort()
    return keys


def median_thresholds(
    confidence: Tensor,
    labels: Tensor,
    num_classes: int,
    cap: float = 0.9,
    scope: str = 'batch',
) -> Tensor:
    """Confidence that a pixel must reach to be kept, for every class.

    Args:
        confidence: Top-1 probabilities, shape (N, H, W).
        labels: Predicted classes, shape (N, H, W).
        num_classes: C.
        cap: Upper limit, and threshold of a class without pixels.
        scope: ``'image'``: thresholds of each image (the paper's released code);
            ``'batch'``: of all images together.

    Returns:
        Shape (N, C).

    Raises:
        ValueError: ``scope`` is neither.
    """
    if scope == 'image':
        medians = torch.stack(
            [
                class_medians(image_confidence, image_labels, num_classes)
                for image_confidence, image_labels in zip(confidence, labels)
            ]
        )
    elif scope == 'batch':
        medians = class_medians(confidence, labels, num_classes)
        medians = medians.expand(len(confidence), -1)
    else:
        raise ValueError(
            f"the scope of the thresholds is {scope!r}, but must be 'image' or 'batch'"
        )
    return medians.nan_to_num(nan=cap).clamp(max=cap)


def mask_low_confidence(
    labels: Tensor,
    confidence: Tensor,
    thresholds: Tensor,
    ignore_index: int = IGNORE_INDEX,
) -> Tensor:
    """Void every pixel whose confidence is under its class's threshold.

    Args:
        labels: Predicted classes, shape (N, H, W), integers.
        confidence: Probabilities or levels, shape (N, H, W).
        thresholds: Shape (N, C) or (1, C), same unit as ``confidence``.
        ignore_index: The label of void pixels.
    """
    thresholds = thresholds.expand(len(labels), -1)
    limits = thresholds.gather(1, labels.flatten(1).long()).view_as(confidence)
    return labels.masked_fill(confidence < limits, ignore_index)


def quantize_confidence(confidence: Tensor, cap: float = 0.9) -> Tensor:
    """Levels of confidence, int32 in [0, 65535], of the same shape.

    A step is ``cap / 65535``; 65535 means at or above ``cap``, as single precision
    decides.
    """
    confidence = confidence.float()
    levels = (confidence * (TOP_LEVEL / cap)).int()
    return levels.clamp_(max=TOP_LEVEL - 1).masked_fill_(confidence >= cap, TOP_LEVEL)


def empty_histogram(num_classes: int, device: torch.device | str = 'cpu') -> Tensor:
    """Zeros (C, 65536), int64, for :func:`count_confidences`. Histograms add up."""
    return torch.zeros((num_classes, NUM_LEVELS), dtype=torch.int64, device=device)


def count_confidences(histogram: Tensor, levels: Tensor, labels: Tensor) -> None:
    """Count the pixels of every class and level in ``histogram``, in place."""
    places = labels.flatten().long() * NUM_LEVELS
    places += levels.flatten()
    # A table of its own for every image would cost more than the counting.
    histogram.view(-1).index_add_(0, places, histogram.new_ones(()).expand(len(places)))


def thresholds_from_histogram(
    histogram: Tensor, cap: float = 0.9
) -> tuple[Tensor, Tensor]:
    """Class thresholds of all pixels counted in a histogram.

    The median is the mean of the middles of the two middle levels. Pixels are
    compared by their levels with that of the upper middle confidence.

    Args:
        histogram: Shape (C, 65536), int64.
        cap: That the levels were made with.

    Returns:
        Levels (C,), int64, and thresholds as confidences (C,), float64. A class
        without pixels gets 65535 and ``cap``.
    """
    cumulative = histogram.cumsum(1)
    total = cumulative[:, -1]
    ranks = torch.stack([(total - 1).clamp(min=0) // 2, total // 2], dim=1)
    levels = torch.searchsorted(cumulative, ranks, right=True)
    levels = levels.clamp(max=TOP_LEVEL)
    middles = ((levels + 0.5).double() * (cap / TOP_LEVEL)).clamp(max=cap)
    return levels[:, 1], middles.mean(1)


def kept_pixels(histogram: Tensor, levels: Tensor) -> Tensor:
    """Count the pixels of every class at or above its level, (C,) int64."""
    every = torch.arange(histogram.shape[1], device=histogram.device)
    reached = every >= levels[:, None]
    return (histogram * reached).sum(1)
