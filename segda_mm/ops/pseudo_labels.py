"""Class thresholds of pseudo labels: the median of a class's confidences.

Montresori, Rosini, Vanderputten: "Meta Pseudo Labels for Real-Time Semantic
Segmentation", section "Pseudo Labels", step 2: a class's threshold is the
median of the confidences of the pixels predicted as that class, at most 0.9;
pixels under their class's threshold become void.

Two routes lead to the thresholds. ``class_medians`` sorts the confidences at
hand and is exact: for one image or one batch. The histogram route streams over
a data set of any size in constant memory.
"""
import torch
from torch import Tensor

IGNORE_INDEX = 255
NUM_LEVELS = 65536
TOP_LEVEL = NUM_LEVELS - 1


def class_medians(confidence: Tensor, labels: Tensor,
                  num_classes: int) -> Tensor:
    """Median confidence of the pixels predicted as each class.

    Args:
        confidence: Top-1 probability of every pixel, any shape, in [0, 1].
        labels: Predicted class of every pixel, same shape, integers in
            [0, num_classes).
        num_classes: Number of classes C.

    Returns:
        Shape (C,), dtype of ``confidence``. The mean of the two middle values
        where their number is even; NaN for a class without pixels.
    """
    confidence, labels = confidence.flatten(), labels.flatten()
    by_confidence = confidence.sort()
    by_class = labels[by_confidence.indices].sort(stable=True)
    ordered = by_confidence.values[by_class.indices]
    counts = torch.bincount(labels, minlength=num_classes)
    starts = counts.cumsum(0) - counts
    # An absent class points at a neighbour's value, replaced by NaN below.
    last = max(ordered.numel() - 1, 0)
    lower = (starts + (counts - 1).clamp(min=0) // 2).clamp(max=last)
    upper = (starts + counts // 2).clamp(max=last)
    if not ordered.numel():
        return confidence.new_full((num_classes, ), float('nan'))
    medians = (ordered[lower] + ordered[upper]) / 2
    return medians.masked_fill(counts == 0, float('nan'))


def median_thresholds(confidence: Tensor,
                      labels: Tensor,
                      num_classes: int,
                      cap: float = 0.9,
                      scope: str = 'batch') -> Tensor:
    """Confidence that a pixel must reach to be kept, for every class.

    Args:
        confidence: Top-1 probabilities, shape (N, H, W), in [0, 1].
        labels: Predicted classes, shape (N, H, W), integers in
            [0, num_classes).
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
        medians = torch.stack([
            class_medians(image_confidence, image_labels, num_classes)
            for image_confidence, image_labels in zip(confidence, labels)
        ])
    elif scope == 'batch':
        medians = class_medians(confidence, labels, num_classes)
        medians = medians.expand(len(confidence), -1)
    else:
        raise ValueError(
            f"the scope of the thresholds (model.threshold_scope) is {scope!r}, "
            "but must be 'image' or 'batch'; thresholds over the whole data "
            'set are the work of MedianThresholdPseudoLabelHook')
    return medians.nan_to_num(nan=cap).clamp(max=cap)


def mask_low_confidence(labels: Tensor,
                        confidence: Tensor,
                        thresholds: Tensor,
                        ignore_index: int = IGNORE_INDEX) -> Tensor:
    """Void every pixel whose confidence is under its class's threshold.

    Args:
        labels: Predicted classes, shape (N, H, W), integers.
        confidence: Top-1 probabilities (or levels), shape (N, H, W).
        thresholds: Shape (N, C) or (1, C), same unit as ``confidence``.
        ignore_index: The label of void pixels.

    Returns:
        Shape (N, H, W), dtype of ``labels``.
    """
    thresholds = thresholds.expand(len(labels), -1)
    limits = thresholds.gather(1, labels.flatten(1).long()).view_as(confidence)
    return labels.masked_fill(confidence < limits, ignore_index)


def quantize_confidence(confidence: Tensor, cap: float = 0.9) -> Tensor:
    """Levels of confidence that fit into 16 bits.

    Everything at or above ``cap`` is kept whatever the median is, so that all
    levels but the last are spent on [0, cap): a step is ``cap / 65535``.

    Args:
        confidence: Any shape, in [0, 1].
        cap: Upper limit of the thresholds.

    Returns:
        Same shape, int32, in [0, 65535]; 65535 means at or above ``cap``.
    """
    levels = (confidence.double() * (TOP_LEVEL / cap)).floor()
    return levels.clamp(max=TOP_LEVEL).int()


def confidence_histogram(levels: Tensor, labels: Tensor,
                         num_classes: int) -> Tensor:
    """Count the pixels of every class and level; histograms add up.

    Args:
        levels: Result of :func:`quantize_confidence`, any shape.
        labels: Predicted classes, same shape, integers in [0, num_classes).
        num_classes: Number of classes C.

    Returns:
        Shape (C, 65536), int64.
    """
    joint = labels.flatten().long() * NUM_LEVELS + levels.flatten().long()
    counts = torch.bincount(joint, minlength=num_classes * NUM_LEVELS)
    return counts.view(num_classes, NUM_LEVELS)


def thresholds_from_histogram(histogram: Tensor,
                              cap: float = 0.9) -> tuple[Tensor, Tensor]:
    """Class thresholds of all pixels counted in a histogram.

    The lower median is taken: the level of the ((n + 1) // 2)-th smallest of
    n confidences. It is at most one step (``cap / 65535``) under the exact
    value.

    Args:
        histogram: Shape (C, 65536), int64.
        cap: Upper limit that the levels were made with.

    Returns:
        Levels, shape (C,), int64, to be compared with the levels of pixels,
        and the same thresholds as confidences, shape (C,), float64, in
        [0, cap]. A class without pixels gets 65535 and ``cap``.
    """
    cumulative = histogram.cumsum(1)
    total = cumulative[:, -1:]
    middle = (total + 1) // 2
    levels = (cumulative < middle).sum(1)
    levels = torch.where(total[:, 0] > 0, levels,
                         torch.full_like(levels, TOP_LEVEL))
    return levels, levels.double() * (cap / TOP_LEVEL)


def kept_pixels(histogram: Tensor, levels: Tensor) -> Tensor:
    """Count the pixels of every class at or above its level.

    Args:
        histogram: Shape (C, 65536), int64.
        levels: Result of :func:`thresholds_from_histogram`, shape (C,).

    Returns:
        Shape (C,), int64.
    """
    reached = torch.arange(histogram.shape[1]) >= levels[:, None]
    return (histogram * reached).sum(1)
