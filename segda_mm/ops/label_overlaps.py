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
    """Count the pixels of every pair of labels of two maps (H, W) of integers.

    Labels are not negative; only the last pixel of a run of equal pairs is looked up.
    """
    truth, prediction = truth.ravel(), prediction.ravel()
    ends = _run_ends(truth, prediction)
    lengths = np.diff(ends, prepend=-1)
    truth_labels, rows = _dense(truth[ends])
    prediction_labels, columns = _dense(prediction[ends])
    shape = len(truth_labels), len(prediction_labels)
    pairs = rows * shape[1] + columns
    # Weights are summed as float64, which is exact below 2**53 pixels.
    pixels = np.bincount(pairs, lengths, minlength=shape[0] * shape[1])
    pixels = pixels.astype(np.int64).reshape(shape)
    return LabelOverlaps(truth_labels, prediction_labels, pixels)


def _run_ends(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Positions after which either of two flat arrays changes, and the last."""
    is_end = np.ones(first.size, dtype=bool)
    np.not_equal(first[1:], first[:-1], out=is_end[:-1])
    is_end[:-1] |= second[1:] != second[:-1]
    return np.flatnonzero(is_end)


def _dense(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted distinct labels, and the index among them of every label."""
    occurs = np.zeros(int(labels.max()) + 1, dtype=bool)
    occurs[labels] = True
    distinct = np.flatnonzero(occurs)
    index = np.empty(len(occurs), dtype=np.intp)
    index[distinct] = np.arange(len(distinct))
    return distinct, index[labels]
