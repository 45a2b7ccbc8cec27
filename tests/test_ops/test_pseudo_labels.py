"""Thresholds of pseudo labels by hand and against NumPy."""

import numpy as np
import pytest
import torch

from segda_mm.ops.pseudo_labels import (
    class_medians,
    count_confidences,
    empty_histogram,
    mask_low_confidence,
    median_thresholds,
    quantize_confidence,
    thresholds_from_histogram,
)


def random_pixels(seed, shape=(40, 50), levels=None):
    """Confidences and labels of five classes, of which the fourth is absent."""
    generator = torch.Generator().manual_seed(seed)
    confidence = torch.rand(shape, generator=generator)
    if levels:
        confidence = (confidence * levels).round() / levels
    classes = torch.tensor([0, 1, 2, 4])
    return confidence, classes[torch.randint(4, shape, generator=generator)]


@pytest.mark.parametrize('dtype', [torch.float32, torch.half, torch.bfloat16])
# Ties are frequent after rounding.
@pytest.mark.parametrize('levels', [None, 50])
def test_class_medians_equal_numpy(levels, dtype):
    confidence, labels = random_pixels(0, levels=levels)
    confidence = confidence.to(dtype)
    medians = class_medians(confidence, labels, 5)
    assert medians.dtype == dtype
    for class_id in (0, 1, 2, 4):
        own = confidence[labels == class_id].float().numpy()
        assert medians[class_id] == torch.tensor(np.median(own)).to(dtype)
    assert medians[3].isnan()


def test_class_medians_at_the_ends_of_the_range_and_of_nothing():
    confidence = torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    labels = torch.tensor([4, 4, 0, 0, 2, 2], dtype=torch.uint8)
    medians = class_medians(confidence, labels, 5)
    assert medians[[4, 0, 2]].tolist() == [0, 0.5, 1]
    assert class_medians(confidence[:0], labels[:0], 3).isnan().all()
    with pytest.raises(ValueError, match="'dataset'.*'image' or 'batch'"):
        median_thresholds(confidence, labels, 5, scope='dataset')


@pytest.mark.parametrize('cap', [0.45, 0.9])
def test_streamed_thresholds_are_the_medians_of_all_images(cap):
    confidence, labels = random_pixels(0, (7, 30, 31))
    histogram = empty_histogram(5)
    for image in zip(quantize_confidence(confidence, cap), labels):
        count_confidences(histogram, *image)
    levels, thresholds = thresholds_from_histogram(histogram, cap)
    assert (levels[3], thresholds[3]) == (65535, cap)
    pixels = quantize_confidence(confidence, cap)
    kept = mask_low_confidence(labels, pixels, levels[None]) != 255
    for class_id in (0, 1, 2, 4):
        own = labels == class_id
        exact = np.minimum(np.median(confidence[own].double()), np.float32(cap))
        assert abs(thresholds[class_id] - exact) < 1e-5
        # The comparison is exact but for pixels within a step of the median.
        clear = own & ((confidence - exact).abs() > cap / 65535)
        assert (kept == (confidence >= exact))[clear].all()


@pytest.mark.parametrize(
    'confidence, threshold, kept',
    [([0.1, 0.2, 0.6, 0.95], 0.4, 2), ([0.2, 0.35, 0.5], 0.35, 2), ([], 0.9, 0)],
)
def test_a_streamed_threshold_by_hand(confidence, threshold, kept):
    """Two middle confidences are averaged; a pixel at the threshold is kept."""
    levels = quantize_confidence(torch.tensor(confidence))
    histogram = empty_histogram(1)
    count_confidences(histogram, levels, torch.zeros_like(levels))
    (level,), (found,) = thresholds_from_histogram(histogram)
    assert found == pytest.approx(threshold, abs=7e-6)
    assert (levels >= level).sum() == kept


def test_what_reaches_the_cap_is_decided_in_single_precision():
    pixel = torch.ones(1, 1, 1)
    for cap in np.arange(1, 1001, 7) / 1000:
        single = torch.tensor(cap, dtype=torch.float32)
        around = torch.stack([single.nextafter(torch.zeros(())), single])
        assert quantize_confidence(around, cap).tolist() == [65534, 65535]
        thresholds = median_thresholds(pixel, pixel.long() - 1, 1, cap)
        assert (around >= thresholds[0]).tolist() == [False, True]
