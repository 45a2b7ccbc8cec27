import pytest
import torch
from torchmetrics.functional.classification import multiclass_jaccard_index

from segda_mm.ops.prediction_agreement import count_pairs, prediction_agreement


def test_by_hand():
    first = torch.tensor([[0, 0, 0, 0, 0, 0, 1, 1]])
    second = torch.tensor([[0, 0, 0, 0, 0, 0, 0, 2]])
    pairs = count_pairs(first, second, 4)
    assert pairs.tolist() == [[6, 0, 0, 0], [1, 0, 1, 0], [0] * 4, [0] * 4]
    # Classes 0, 1 and 2 occur: 6 of 7 pixels, none of 2, none of 1.
    assert prediction_agreement(pairs) == pytest.approx((6 / 8, (6 / 7) / 3))


def test_equal_predictions():
    labels = torch.tensor([3, 1, 1])
    assert prediction_agreement(count_pairs(labels, labels, 5)) == (1, 1)


def test_another_library_on_several_images():
    torch.manual_seed(0)
    first, second = torch.randint(0, 6, (2, 3, 8, 9))
    second = torch.where(torch.rand(3, 8, 9) < 0.6, first, second)
    pairs = sum(count_pairs(a, b, 6) for a, b in zip(first, second))
    share, mean_iou = prediction_agreement(pairs)
    assert share == pytest.approx(float((first == second).float().mean()))
    expected = multiclass_jaccard_index(first, second, 6, average='macro')
    assert mean_iou == pytest.approx(float(expected))
