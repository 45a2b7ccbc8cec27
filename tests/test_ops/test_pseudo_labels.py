import numpy as np
import pytest
import torch

from segda_mm.ops.pseudo_labels import (
    class_medians,
    count_confidences,
    empty_histogram,
    kept_pixels,
    mask_low_confidence,
    median_thresholds,
    quantize_confidence,
    thresholds_from_histogram,
)


def test_class_medians_by_hand():
    confidence = torch.tensor([[0.2, 0.9, 0.4], [0.8, 0.6, 0.5]])
    labels = torch.tensor([[0, 2, 0], [2, 0, 2]])
    # class 0: 0.2 0.4 0.6, class 1: none, class 2: 0.5 0.8 0.9
    medians = class_medians(confidence, labels, 3)
    assert medians[0] == pytest.approx(0.4)
    assert medians[1].isnan()
    assert medians[2] == pytest.approx(0.8)


def random_pixels(seed, shape=(40, 50), levels=None):
    """Confidences and labels of five classes, of which the fourth is absent."""
    generator = torch.Generator().manual_seed(seed)
    confidence = torch.rand(shape, generator=generator)
    if levels:
        confidence = (confidence * levels).round() / levels
    classes = torch.tensor([0, 1, 2, 4])
    return confidence, classes[torch.randint(4, shape, generator=generator)]


@pytest.mark.parametrize('dtype', [torch.float32, torch.half, torch.bfloat16])
@pytest.mark.parametrize('seed', range(2))
def test_class_medians_equal_numpy(seed, dtype):
    # Ties are frequent after rounding.
    confidence, labels = random_pixels(seed, levels=50 if seed % 2 else None)
    confidence = confidence.to(dtype)
    medians = class_medians(confidence, labels, 5)
    assert medians.dtype == dtype
    for class_id in (0, 1, 2, 4):
        own = confidence[labels == class_id].float().numpy()
        assert medians[class_id] == torch.tensor(np.median(own)).to(dtype)
    assert medians[3].isnan()


def test_thresholds_are_capped_and_absent_classes_shift_nothing():
    confidence = torch.tensor([[[0.95, 0.97, 0.3, 0.5]]])
    labels = torch.tensor([[[0, 0, 2, 2]]])
    thresholds = median_thresholds(confidence, labels, 3, cap=0.9)
    assert thresholds[0].tolist() == pytest.approx([0.9, 0.9, 0.4])


def test_scope_decides_which_pixels_share_a_median():
    confidence = torch.tensor([[[0.2, 0.4, 0.6]], [[0.5, 0.7, 0.8]]])
    labels = torch.zeros(2, 1, 3, dtype=torch.long)
    image = median_thresholds(confidence, labels, 1, scope='image')
    batch = median_thresholds(confidence, labels, 1, scope='batch')
    assert image[:, 0].tolist() == pytest.approx([0.4, 0.7])
    assert batch[:, 0].tolist() == pytest.approx([0.55, 0.55])
    with pytest.raises(ValueError, match="'dataset'.*'image' or 'batch'"):
        median_thresholds(confidence, labels, 1, scope='dataset')


def test_only_pixels_under_their_class_threshold_become_void():
    labels = torch.tensor([[[0, 0, 1, 1]]])
    confidence = torch.tensor([[[0.4, 0.5, 0.5, 0.7]]])
    masked = mask_low_confidence(labels, confidence, torch.tensor([[0.5, 0.6]]))
    assert masked.tolist() == [[[255, 0, 255, 1]]]


def test_what_reaches_the_cap_is_decided_in_single_precision():
    pixel = torch.ones(1, 1, 1)
    for cap in np.arange(1, 1001) / 1000:
        single = torch.tensor(cap, dtype=torch.float32)
        around = torch.stack([single.nextafter(torch.zeros(())), single])
        assert quantize_confidence(around, cap).tolist() == [65534, 65535]
        thresholds = median_thresholds(pixel, pixel.long() - 1, 1, cap)
        assert (around >= thresholds[0]).tolist() == [False, True]


def test_two_middle_confidences_are_averaged():
    confidence = torch.tensor([0.1, 0.2, 0.6, 0.95])
    histogram = empty_histogram(2)
    labels = torch.zeros(4, dtype=torch.long)
    count_confidences(histogram, quantize_confidence(confidence), labels)
    levels, thresholds = thresholds_from_histogram(histogram)
    assert thresholds[0] == pytest.approx(0.4, abs=7e-6)
    # What is under 0.4 is left out, as it is in one image.
    assert kept_pixels(histogram, levels).tolist() == [2, 0]
    assert (levels[1], thresholds[1]) == (65535, 0.9)
