"""Figures of predictions: overlaps with a truth, agreement and certainty."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from segda_mm.ops.class_probabilities import sample_probabilities, two_class_logits
from segda_mm.ops.label_overlaps import LabelOverlaps
from segda_mm.ops.panoptic_codes import VOID_CLASS


def confusion_matrix(overlaps: LabelOverlaps, num_classes: int) -> np.ndarray:
    """Count the pixels of one image by true and predicted train id.

    Pixels without a true class do not count. A pixel predicted as void (255) is wrong,
    but a false positive of no class. Images add up.

    Returns:
        (C, C + 1) int64: true by predicted class, void last.

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
    """IoU (C,) of a :func:`confusion_matrix`; NaN if neither true nor predicted."""
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

    No index is searched for and the host does not wait: cheap enough for every step.

    Args:
        logits: Shape (N, C, ...); one channel counts as above or below 0.
        labels: Classes or ``ignore_index`` (None: there are no such), shape (N, ...).
        ignore_index: Label of pixels that do not count.

    Returns:
        Shape (1,), without a graph; 100 where no pixel counts.
    """
    logits = two_class_logits(logits.detach())
    counted = torch.ones_like(labels, dtype=torch.bool)
    if ignore_index is not None:
        counted = labels != ignore_index
    own = logits.gather(1, labels.masked_fill(~counted, 0)[:, None])[:, 0]
    correct = (own == logits.amax(1)) & counted
    tiny = torch.finfo(torch.float32).eps
    return 100 * (correct.sum()[None] + tiny) / (counted.sum() + tiny)


class PredictionAgreement(NamedTuple):
    """Share of pixels of one class in both predictions, and mean IoU, in [0, 1]."""

    share: float
    mean_iou: float


def count_pairs(first: Tensor, second: Tensor, num_classes: int) -> Tensor:
    """Count pixels by class in ``first`` and in ``second``: (C, C) int64; adds up."""
    pairs = first.flatten().long() * num_classes + second.flatten().long()
    counts = torch.bincount(pairs, minlength=num_classes**2)
    return counts.view(num_classes, num_classes)


def prediction_agreement(pairs: Tensor) -> PredictionAgreement:
    """Agreement over sums of :func:`count_pairs`."""
    counts = pairs.cpu().numpy()
    # No prediction is void.
    iou = class_iou(np.pad(counts, ((0, 0), (0, 1))))
    return PredictionAgreement(
        share=float(counts.trace() / counts.sum()), mean_iou=defined_mean(iou)
    )


class PredictionEntropy(NamedTuple):
    """Entropies of predictions as shares of log(C), in [0, 1].

    ``entropy`` is the mean over the pixels; ``diversity`` is the entropy of the mean
    of all probabilities, 0 where all pixels are of one class.
    """

    entropy: float
    diversity: float


def prediction_sums(logits: Tensor) -> Tensor:
    """What the entropies of a data set are made of, for one image's ``seg_logits``.

    These are as of :func:`~segda_mm.ops.class_probabilities.sample_probabilities`.
    (C + 2,) float64, to be added up: number of pixels, sum of their entropies in
    nats, sum of the probabilities of each class.
    """
    probabilities = sample_probabilities(logits.float())
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
    """Entropies over sums of :func:`prediction_sums`, of two classes at least."""
    pixels, entropy, *classes = sums.tolist()
    limit = math.log(len(classes))
    shares = [share / pixels for share in classes]
    diversity = -sum(share * math.log(share) for share in shares if share > 0)
    # Rounding may lead past the ends.
    return PredictionEntropy(
        *(min(max(value / limit, 0.0), 1.0) for value in (entropy / pixels, diversity))
    )
