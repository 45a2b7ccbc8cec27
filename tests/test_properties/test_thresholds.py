"""Median thresholds of any confidences, against NumPy and against themselves."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from segda_mm.ops.pseudo_labels import (
    count_confidences,
    empty_histogram,
    mask_low_confidence,
    median_thresholds,
    quantize_confidence,
    thresholds_from_histogram,
)

NUM_CLASSES = 3

#: Coarse ones too, so that there are ties.
CONFIDENCES = st.floats(0, 1, width=32) | st.integers(0, 8).map(lambda n: n / 8)
PIXELS = st.lists(
    st.tuples(CONFIDENCES, st.integers(0, NUM_CLASSES - 1)), min_size=1, max_size=24
)
CAPS = st.sampled_from([0.25, 0.5, 0.9, 1.0])


def tensors(pixels):
    confidence, labels = zip(*pixels)
    return torch.tensor(confidence, dtype=torch.float32), torch.tensor(labels)


def members(pixels, label):
    return np.sort(np.array([c for c, own in pixels if own == label], np.float32))


@given(st.data(), PIXELS, CAPS)
def test_more_confidence_never_lowers_a_threshold(data, pixels, cap):
    confidence, labels = tensors(pixels)
    gains = data.draw(
        st.lists(st.floats(0, 1, width=32), min_size=len(pixels), max_size=len(pixels))
    )
    raised = confidence + (1 - confidence) * torch.tensor(gains)
    before, after = (
        median_thresholds(some[None], labels[None], NUM_CLASSES, cap)
        for some in (confidence, raised.clamp(max=1).maximum(confidence))
    )
    assert (after >= before).all()


@given(PIXELS, CAPS)
def test_at_least_half_of_a_class_is_kept(pixels, cap):
    confidence, labels = (part[None] for part in tensors(pixels))
    thresholds = median_thresholds(confidence, labels, NUM_CLASSES, cap)
    masked = mask_low_confidence(labels, confidence, thresholds)
    for label in range(NUM_CLASSES):
        own = masked[labels == label]
        assert 2 * (own == label).sum() >= len(own)
        assert ((own == label) | (own == 255)).all()


@given(PIXELS, CAPS, st.integers(0, 24))
def test_the_histogram_is_exact_within_half_a_step(pixels, cap, cut):
    parts = [part for part in (pixels[:cut], pixels[cut:]) if part]
    histogram = empty_histogram(NUM_CLASSES)
    for confidence, labels in map(tensors, parts):
        count_confidences(histogram, quantize_confidence(confidence, cap), labels)
    levels, thresholds = thresholds_from_histogram(histogram, cap)
    kept = [row[level:].sum() for row, level in zip(histogram, levels)]
    # Half a step, and what single precision blurs it by.
    error = 0.51 * cap / 65535
    for label in range(NUM_CLASSES):
        own = members(pixels, label)
        assert histogram[label].sum() == len(own)
        assert 2 * kept[label] >= len(own)
        if not len(own):
            assert thresholds[label] == cap
            continue
        middle = own[[(len(own) - 1) // 2, len(own) // 2]].astype(np.float64)
        expected = np.minimum(middle, cap).mean()
        assert abs(thresholds[label] - expected) <= error
        # Of the two middle pixels the upper one is always kept.
        assert kept[label] >= (own >= middle[1]).sum()
