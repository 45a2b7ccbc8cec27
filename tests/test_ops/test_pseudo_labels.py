import numpy as np
import pytest
import torch

from segda_mm.ops.pseudo_labels import (
    class_medians,
    confidence_histogram,
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


def test_class_medians_take_the_mean_of_the_two_middle_values():
    confidence = torch.tensor([0.1, 0.2, 0.6, 0.9])
    medians = class_medians(confidence, torch.zeros(4, dtype=torch.long), 2)
    assert medians[0] == pytest.approx(0.4)


def test_class_medians_of_nothing():
    empty = torch.zeros(0)
    assert class_medians(empty, empty.long(), 3).isnan().all()


@pytest.mark.parametrize('seed', range(3))
def test_class_medians_equal_numpy(seed):
    generator = torch.Generator().manual_seed(seed)
    confidence = torch.rand(40, 50, generator=generator)
    # Class 3 never occurs; ties are frequent after rounding.
    confidence = (confidence * 50).round() / 50
    labels = torch.tensor([0, 1, 2, 4])[torch.randint(
        0, 4, (40, 50), generator=generator)]
    medians = class_medians(confidence, labels, 5)
    for class_id in (0, 1, 2, 4):
        expected = np.median(confidence[labels == class_id].numpy())
        assert medians[class_id] == pytest.approx(expected, abs=1e-6)
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
    with pytest.raises(ValueError, match='MedianThresholdPseudoLabelHook'):
        median_thresholds(confidence, labels, 1, scope='dataset')


def test_only_pixels_under_their_class_threshold_become_void():
    labels = torch.tensor([[[0, 0, 1, 1]]])
    confidence = torch.tensor([[[0.4, 0.5, 0.5, 0.7]]])
    masked = mask_low_confidence(labels, confidence,
                                 torch.tensor([[0.5, 0.6]]))
    assert masked.tolist() == [[[255, 0, 255, 1]]]


def test_streamed_thresholds_are_the_medians_of_all_images():
    generator = torch.Generator().manual_seed(0)
    confidence = torch.rand(7, 30, 31, generator=generator)
    labels = torch.randint(0, 3, confidence.shape, generator=generator)
    cap = 0.45
    histogram = sum(
        confidence_histogram(quantize_confidence(c, cap), label, 4)
        for c, label in zip(confidence, labels))
    levels, thresholds = thresholds_from_histogram(histogram, cap)
    for class_id in range(3):
        values = confidence[labels == class_id]
        # torch takes the lower of two middle values, as the histogram does.
        expected = min(values.median().item(), cap)
        assert thresholds[class_id] == pytest.approx(expected, abs=1e-5)
    assert (levels[3], thresholds[3]) == (65535, cap)


def test_a_pixel_at_the_streamed_threshold_is_kept():
    confidence = torch.tensor([[[0.2, 0.35, 0.5]]])
    labels = torch.zeros(1, 1, 3, dtype=torch.long)
    levels = quantize_confidence(confidence)
    thresholds, _ = thresholds_from_histogram(
        confidence_histogram(levels, labels, 1))
    masked = mask_low_confidence(labels, levels, thresholds[None])
    assert masked.tolist() == [[[255, 0, 0]]]
