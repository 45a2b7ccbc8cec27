"""How many pixels every pair of labels of two maps has in common."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class LabelOverlaps(NamedTuple):
    """The overlaps of a ground truth map and a prediction.

    ``truth`` (T,) and ``prediction`` (P,) are the labels that occur, sorted;
    ``pixels[t, p]`` (T, P), int64, is the number of pixels that have
    ``truth[t]`` in one map and ``prediction[p]`` in the other. Row sums are
    the areas of the true segments, column sums those of the predicted ones.
    """

    truth: np.ndarray
    prediction: np.ndarray
    pixels: np.ndarray


def label_overlaps(truth: np.ndarray, prediction: np.ndarray) -> LabelOverlaps:
    """Count the pixels of every pair of labels.

    Label maps are flat over long runs of pixels. Only the last pixel of each
    run is looked up, so the time is that of finding where either map changes,
    whatever the number and the size of the labels.

    Args:
        truth: Integers (H, W), not negative, at least one pixel. A table of
            the size of the largest label is made.
        prediction: The same for the prediction.

    Raises:
        ValueError: The maps differ in shape, are empty, or hold a negative
            label.
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
    size = first.size
    is_end = np.empty(_multiple_of_8(size), dtype=bool)
    np.not_equal(first[1:], first[:-1], out=is_end[: size - 1])
    is_end[: size - 1] |= second[1:] != second[:-1]
    is_end[size - 1] = True
    is_end[size:] = False
    return _true_positions(is_end)


def _dense(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted distinct labels, and the index among them of every label."""
    if labels.min() < 0:
        raise ValueError(f'label {labels.min()} is negative')
    occurs = np.zeros(_multiple_of_8(int(labels.max()) + 1), dtype=bool)
    occurs[labels] = True
    distinct = _true_positions(occurs)
    index = np.empty(len(occurs), dtype=np.intp)
    index[distinct] = np.arange(len(distinct))
    return distinct, index[labels]


def _true_positions(flags: np.ndarray) -> np.ndarray:
    """Sorted positions of the few that are true; (8 n,) bool."""
    # Most words of eight flags have none: searching those that have one takes
    # half the time of searching all flags.
    words = flags.view(np.uint64)
    word = np.flatnonzero(words != 0)
    place = np.flatnonzero(words[word].view(bool))
    return 8 * word[place >> 3] + (place & 7)


def _multiple_of_8(size: int) -> int:
    return -(-size // 8) * 8
