"""How many pixels every pair of labels of two maps has in common."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class LabelOverlaps(NamedTuple):
    """The labels (T,) and (P,) of two maps, sorted, and their common pixels (T, P).

    Row sums of ``pixels`` are the areas of the true segments, column sums those of
    the predicted ones.
    """

    truth: np.ndarray
    prediction: np.ndarray
    pixels: np.ndarray


def label_overlaps(truth: np.ndarray, prediction: np.ndarray) -> LabelOverlaps:
    """Count the pixels of every pair of labels.

    Only the last pixel of each run of equal pairs is looked up.

    Args:
        truth: Integers (H, W), not negative.
        prediction: The same for the prediction.

    Raises:
        ValueError: The maps differ in shape, are empty, or hold a negative label.
    """
    if truth.shape != prediction.shape or not truth.size:
        raise ValueError(
            f'ground truth {truth.shape} and prediction {prediction.shape} must '
            'be maps of one size, not empty'
        )
    truth, prediction = truth.ravel(), prediction.ravel()
    ends = _run_ends(truth, prediction)
    lengths = np.diff(ends, prepend=-1)
    truth_labels, rows = _dense(truth[ends])
    prediction_labels, columns = _dense(prediction[ends])
    shape = len(truth_labels), len(prediction_labels)
    # Weights are summed as float64, which is exact below 2**53 pixels.
    pixels = np.bincount(
        rows * shape[1] + columns, weights=lengths, minlength=shape[0] * shape[1]
    )
    return LabelOverlaps(
        truth_labels, prediction_labels, pixels.astype(np.int64).reshape(shape)
    )


def _run_ends(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Positions after which either of two flat arrays changes, and the last."""
    is_end = np.ones(first.size, dtype=bool)
    np.not_equal(first[1:], first[:-1], out=is_end[:-1])
    is_end[:-1] |= second[1:] != second[:-1]
    return np.flatnonzero(is_end)


def _dense(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted distinct labels, and the index among them of every label."""
    if labels.min() < 0:
        raise ValueError(f'label {labels.min()} is negative')
    occurs = np.zeros(int(labels.max()) + 1, dtype=bool)
    occurs[labels] = True
    distinct = np.flatnonzero(occurs)
    index = np.empty(len(occurs), dtype=np.intp)
    index[distinct] = np.arange(len(distinct))
    return distinct, index[labels]
