"""Class thresholds of pseudo labels: the median of a class's confidences.

Montresori, Rosini, Vanderputten: "Meta Pseudo Labels for Real-Time Semantic
Segmentation", section "Pseudo Labels", step 2: a class's threshold is the
median of the confidences of the pixels predicted as that class, at most 0.9;
pixels under their class's threshold become void.

``class_medians`` sorts the confidences of an image or a batch and is exact. The
histogram streams over a data set of any size in constant memory: its medians are
exact to half a level, 6.9e-6 where the cap is 0.9.
"""

import torch
from torch import Tensor

IGNORE_INDEX = 255
NUM_LEVELS = 65536
TOP_LEVEL = NUM_LEVELS - 1


def class_medians(confidence: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Median confidence of the pixels predicted as each class.

    Args:
        confidence: Top-1 probabilities, any shape, in [0, 1], single or half
            precision.
        labels: Predicted classes, same shape, integers in [0, num_classes).
        num_classes: Number of classes C.

    Returns:
        Shape (C,), dtype of ``confidence``; NaN for a class without pixels.
    """
    if not confidence.numel():
        return confidence.new_full((num_classes,), float('nan'))
    # The bits of floats that are not negative rise with their value, so that
    # one sort of (class, bits) orders the confidences of every class.
    keys = labels.flatten().long() << 32
    keys |= confidence.detach().flatten().float().view(torch.int32)
    if keys.device.type == 'cpu':
        # Ten times as fast as PyTorch's, which sorts places along with the keys.
        keys.numpy().sort()
    else:
        keys = keys.sort().values
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


def median_thresholds(
    confidence: Tensor,
    labels: Tensor,
    num_classes: int,
    cap: float = 0.9,
    scope: str = 'batch',
) -> Tensor:
    """Confidence that a pixel must reach to be kept, for every class.

    Args:
        confidence: Top-1 probabilities, shape (N, H, W), in [0, 1].
        labels: Predicted classes, same shape, integers in [0, num_classes).
        num_classes: Number of classes C.
        cap: Upper limit of every threshold (the paper: 0.9).
        scope: ``'image'``: one set of thresholds an image (the paper's
            released code); ``'batch'``: one for all images given.

    Returns:
        Shape (N, C). A class that no pixel was predicted as gets ``cap``.

    Raises:
        ValueError: ``scope`` is neither ``'image'`` nor ``'batch'``.
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
    labels: Tensor, confidence: Tensor, thresholds: Tensor
) -> Tensor:
    """Void every pixel whose confidence is under its class's threshold.

    Args:
        labels: Predicted classes, shape (N, H, W), integers.
        confidence: Top-1 probabilities (or levels), shape (N, H, W).
        thresholds: Shape (N, C) or (1, C), same unit as ``confidence``.

    Returns:
        Shape (N, H, W), dtype of ``labels``, 255 where void.
    """
    thresholds = thresholds.expand(len(labels), -1)
    limits = thresholds.gather(1, labels.flatten(1).long()).view_as(confidence)
    return labels.masked_fill(confidence < limits, IGNORE_INDEX)


def quantize_confidence(confidence: Tensor, cap: float = 0.9) -> Tensor:
    """Levels of confidence that fit into 16 bits.

    All levels but the last are spent on [0, cap): a step is ``cap / 65535``. As in
    :func:`median_thresholds`, single precision decides what reaches the cap.

    Returns:
        Same shape, int32, in [0, 65535]; 65535 means at or above ``cap``.
    """
    confidence = confidence.float()
    levels = (confidence * (TOP_LEVEL / cap)).int()
    return levels.clamp_(max=TOP_LEVEL - 1).masked_fill_(confidence >= cap, TOP_LEVEL)


def empty_histogram(num_classes: int, device: torch.device | str = 'cpu') -> Tensor:
    """Counts of no pixel yet, shape (C, 65536), int64; histograms add up."""
    return torch.zeros((num_classes, NUM_LEVELS), dtype=torch.int64, device=device)


def count_confidences(histogram: Tensor, levels: Tensor, labels: Tensor) -> None:
    """Count pixels of one shape, by class in [0, C) and level, in place."""
    places = labels.flatten().long() * NUM_LEVELS
    places += levels.flatten()
    # A table of its own for every image would cost more than the counting.
    histogram.view(-1).index_add_(0, places, histogram.new_ones(()).expand(len(places)))


def thresholds_from_histogram(
    histogram: Tensor, cap: float = 0.9
) -> tuple[Tensor, Tensor]:
    """Class thresholds of all pixels counted in a histogram.

    Each of the two middle confidences is taken for the middle of its level, so
    that a threshold is at most half a step (``cap / 131070``) off. Pixels are
    compared by their levels with the upper one: as with the exact median, but that
    pixels in its level, under it by less than a step, are kept.

    Returns:
        Levels, shape (C,), int64, and the thresholds as confidences, shape (C,),
        float64, in [0, cap]. A class without pixels gets 65535 and ``cap``.
    """
    cumulative = histogram.cumsum(1)
    total = cumulative[:, -1]
    ranks = torch.stack([(total - 1).clamp(min=0) // 2, total // 2], dim=1)
    levels = torch.searchsorted(cumulative, ranks, right=True)
    levels = levels.clamp(max=TOP_LEVEL)
    middles = ((levels + 0.5).double() * (cap / TOP_LEVEL)).clamp(max=cap)
    return levels[:, 1], middles.mean(1)
