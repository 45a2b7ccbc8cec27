"""Figures of predictions: overlaps with a truth, agreement and certainty."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from segda_mm.ops.label_overlaps import LabelOverlaps
from segda_mm.ops.panoptic_codes import VOID_CLASS


def confusion_matrix(overlaps: LabelOverlaps, num_classes: int) -> np.ndarray:
    """Count the pixels of one image by true and predicted class.

    Pixels without a true class do not count. A pixel predicted as void is
    wrong, but a false positive of no class.

    Args:
        overlaps: Of the train ids of ground truth and prediction; 255 is void.
        num_classes: C.

    Returns:
        (C, C + 1) int64: true class by predicted class, void last. Add those
        of several images.

    Raises:
        ValueError: A train id is neither 255 nor below ``num_classes``.
    """
    labelled = overlaps.truth != VOID_CLASS
    rows = overlaps.truth[labelled]
    columns = np.where(
        overlaps.prediction == VOID_CLASS, num_classes, overlaps.prediction
    )
    for name, labels, limit in (
        ('ground truth', rows, num_classes - 1),
        ('prediction', columns, num_classes),
    ):
        if labels.max(initial=0) > limit:
            raise ValueError(
                f'the {name} has the train id {labels.max()}, but the data set '
                f'has only {num_classes} classes; check num_classes of the model '
                'and the metainfo of the data set'
            )
    counts = np.zeros((num_classes, num_classes + 1), dtype=np.int64)
    counts[np.ix_(rows, columns)] = overlaps.pixels[labelled]
    return counts


def class_iou(confusion: np.ndarray) -> np.ndarray:
    """Intersection over union of every class.

    Args:
        confusion: (C, C + 1), sums of what :func:`confusion_matrix` returns.

    Returns:
        (C,) float64 in [0, 1]; a class neither true nor predicted is NaN.
    """
    correct = confusion.diagonal()
    union = confusion.sum(1) + confusion[:, :-1].sum(0) - correct
    return np.divide(
        correct, union, out=np.full(len(confusion), np.nan), where=union > 0
    )


def defined_mean(values: np.ndarray) -> float:
    """Mean of the values that are not NaN; NaN if there are none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float('nan')


def pixel_accuracy(logits: Tensor, labels: Tensor, ignore_index: int | None) -> Tensor:
    """Percentage of the labelled pixels at which the true class is on top.

    Cheap enough for every step of a training: instead of searching for the
    index of the highest logit, a pixel is correct if no class exceeds its own
    (of classes that share the highest, each is on top), and the host does not
    wait for the number of labelled pixels.

    Args:
        logits: Shape (N, C, ...).
        labels: Classes in [0, C), or ``ignore_index``; shape (N, ...).
        ignore_index: Label of the pixels that do not count; None: all count.

    Returns:
        Shape (1,), in [0, 100], without a graph; 100 where no pixel counts,
        as mmseg has it.
    """
    logits = logits.detach()
    counted = torch.ones_like(labels, dtype=torch.bool)
    if ignore_index is not None:
        counted = labels != ignore_index
    own = logits.gather(1, labels.masked_fill(~counted, 0)[:, None])[:, 0]
    correct = (own == logits.amax(1)) & counted
    tiny = torch.finfo(torch.float32).eps
    return 100 * (correct.sum()[None] + tiny) / (counted.sum() + tiny)


class PredictionAgreement(NamedTuple):
    """Agreement of two predictions, both figures in [0, 1].

    Attributes:
        share: Of the pixels that have the same class in both.
        mean_iou: Mean, over the classes that occur in either, of the
            intersection over union of the pixels of the class in both.
    """

    share: float
    mean_iou: float


def count_pairs(first: Tensor, second: Tensor, num_classes: int) -> Tensor:
    """Count the pixels of every pair of classes.

    Args:
        first: Classes in [0, C), integers of any shape.
        second: The same pixels in another prediction.
        num_classes: C.

    Returns:
        (C, C) int64: class in ``first`` by class in ``second``. Add those of
        several images.
    """
    pairs = first.flatten().long() * num_classes + second.flatten().long()
    counts = torch.bincount(pairs, minlength=num_classes**2)
    return counts.view(num_classes, num_classes)


def prediction_agreement(pairs: Tensor) -> PredictionAgreement:
    """Agreement over all pixels that were counted.

    Args:
        pairs: (C, C), sums of what :func:`count_pairs` returns, of at least one
            pixel.
    """
    counts = pairs.cpu().numpy()
    # No prediction is void.
    iou = class_iou(np.pad(counts, ((0, 0), (0, 1))))
    return PredictionAgreement(
        share=float(counts.trace() / counts.sum()), mean_iou=defined_mean(iou)
    )


class PredictionEntropy(NamedTuple):
    """Entropies of predictions as shares of log(C), both in [0, 1].

    Attributes:
        entropy: Mean over the pixels of the entropy of their class
            probabilities; 0 where one class is certain.
        diversity: Entropy of the mean of all these probabilities; 0 where all
            pixels are of one class.
    """

    entropy: float
    diversity: float


def prediction_sums(logits: Tensor) -> Tensor:
    """What the entropies of a data set are made of, for one image.

    Args:
        logits: Shape (C, H, W).

    Returns:
        (C + 2,) float64: the number of pixels, the sum of their entropies in
        nats, and of each class the sum of its probabilities. Add those of
        several images.
    """
    probabilities = logits.float().softmax(dim=0)
    # Unlike p * log(p), `entr` is 0 for a probability of 0.
    entropies = torch.special.entr(probabilities).sum(0)
    return torch.cat(
        [
            entropies.new_full((1,), entropies.numel(), dtype=torch.float64),
            entropies.sum(dtype=torch.float64)[None],
            probabilities.sum((1, 2), dtype=torch.float64),
        ]
    )


def prediction_entropy(sums: Tensor) -> PredictionEntropy:
    """Entropies of all pixels that were summed.

    Args:
        sums: (C + 2,), sums of what :func:`prediction_sums` returns, of at least
            one pixel and two classes.
    """
    pixels, entropy, *classes = sums.tolist()
    limit = math.log(len(classes))
    shares = [share / pixels for share in classes]
    diversity = -sum(share * math.log(share) for share in shares if share > 0)
    # Rounding may lead past the ends.
    return PredictionEntropy(
        *(min(max(value / limit, 0.0), 1.0) for value in (entropy / pixels, diversity))
    )
