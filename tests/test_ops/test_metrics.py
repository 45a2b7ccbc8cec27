import math

import numpy as np
import pytest
import torch
from mmseg.models.losses import accuracy

from segda_mm.ops.label_overlaps import label_overlaps
from segda_mm.ops.metrics import (
    class_iou,
    confusion_matrix,
    count_pairs,
    pixel_accuracy,
    prediction_agreement,
    prediction_entropy,
    prediction_sums,
)


def confusion(truth, prediction, num_classes=3):
    overlaps = label_overlaps(np.array([truth]), np.array([prediction]))
    return confusion_matrix(overlaps, num_classes)


def test_confusion_by_hand():
    matrix = confusion([0, 0, 0, 1, 1, 255, 255], [0, 1, 255, 1, 1, 0, 2])
    assert matrix.tolist() == [[1, 1, 0, 1], [0, 2, 0, 0], [0, 0, 0, 0]]
    # Class 0: one of three true pixels; class 1: two of two and one more.
    np.testing.assert_allclose(class_iou(matrix), [1 / 3, 2 / 3, np.nan])
    # Predicted, and nowhere true.
    np.testing.assert_array_equal(class_iou(confusion([0, 0], [2, 2])), [0, np.nan, 0])


@pytest.mark.parametrize(
    ('truth', 'prediction', 'message'),
    [([0, 3], [0, 0], 'ground truth.*3'), ([0, 0], [0, 4], 'prediction.*4')],
)
def test_a_class_too_many_is_named(truth, prediction, message):
    with pytest.raises(ValueError, match=f'{message}.*only 3 classes'):
        confusion(truth, prediction)


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('share_of_void', [0, 0.3, 1])
def test_accuracy_is_that_of_mmseg(share_of_void, layout):
    torch.manual_seed(0)
    logits = torch.randn(2, 5, 6, 7, requires_grad=True).to(memory_format=layout)
    labels = torch.randint(0, 5, (2, 6, 7))
    labels[torch.rand(labels.shape) < share_of_void] = 255
    expected = accuracy(logits, labels, ignore_index=255)
    result = pixel_accuracy(logits, labels, 255)
    torch.testing.assert_close(result, expected)
    assert not result.requires_grad


def test_agreement_by_hand():
    first = torch.tensor([[0, 0, 0, 0, 0, 0, 1, 1]])
    second = torch.tensor([[0, 0, 0, 0, 0, 0, 0, 2]])
    pairs = count_pairs(first, second, 4)
    assert pairs.tolist() == [[6, 0, 0, 0], [1, 0, 1, 0], [0] * 4, [0] * 4]
    # Classes 0, 1 and 2 occur: 6 of 7 pixels, none of 2, none of 1.
    assert prediction_agreement(pairs) == pytest.approx((6 / 8, (6 / 7) / 3))


def entropies(*images):
    return prediction_entropy(sum(prediction_sums(image) for image in images))


def certain(labels, num_classes=4):
    labels = torch.tensor(labels)
    return 1e4 * torch.nn.functional.one_hot(labels, num_classes).movedim(-1, 0)


def test_entropies_of_extremes():
    assert entropies(torch.zeros(4, 2, 3)) == (1, 1)
    assert entropies(certain([[2, 2, 2]])) == (0, 0)
    entropy, diversity = entropies(certain([[0, 1, 1, 0]]))
    assert (entropy, diversity) == (0, pytest.approx(math.log(2) / math.log(4)))


def test_entropies_of_three_images_in_numpy():
    torch.manual_seed(0)
    images = [3 * torch.randn(5, height, 7) for height in (2, 4, 3)]
    logits = np.concatenate([image.numpy().reshape(5, -1) for image in images], 1)
    odds = np.exp(logits.astype(np.float64))
    shares = odds / odds.sum(0)
    entropy = -(shares * np.log(shares)).sum(0).mean() / math.log(5)
    mean = shares.mean(1)
    diversity = -(mean * np.log(mean)).sum() / math.log(5)
    assert 0 < entropy < diversity < 1
    assert entropies(*images) == pytest.approx((entropy, diversity), rel=1e-6)
