"""How far two predictions of the same pixels agree."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .class_iou import class_iou
from .defined_mean import defined_mean


class PredictionAgreement(NamedTuple):
    """Agreement of two predictions, both figures in [0, 1].

    ``share`` is the share of the pixels that have the same class in both;
    ``mean_iou`` the mean, over the classes that occur in either, of the
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
