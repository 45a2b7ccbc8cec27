import math

import numpy as np
import pytest
import torch

from segda_mm.ops.prediction_entropy import prediction_entropy, prediction_sums


def figures(*images):
    return prediction_entropy(sum(prediction_sums(image) for image in images))


def certain(labels, num_classes=4):
    labels = torch.tensor(labels)
    return 1e4 * torch.nn.functional.one_hot(labels, num_classes).movedim(-1, 0)


def test_extremes():
    assert figures(torch.zeros(4, 2, 3)) == (1, 1)
    assert figures(certain([[2, 2, 2]])) == (0, 0)
    entropy, diversity = figures(certain([[0, 1, 1, 0]]))
    assert (entropy, diversity) == (0, pytest.approx(math.log(2) / math.log(4)))


def test_three_images_of_different_sizes_by_hand():
    torch.manual_seed(0)
    images = [3 * torch.randn(5, height, 7) for height in (2, 4, 3)]
    logits = np.concatenate([image.numpy().reshape(5, -1) for image in images], 1)
    odds = np.exp(logits.astype(np.float64))
    shares = odds / odds.sum(0)
    entropy = -(shares * np.log(shares)).sum(0).mean() / math.log(5)
    mean = shares.mean(1)
    diversity = -(mean * np.log(mean)).sum() / math.log(5)
    assert 0 < entropy < diversity < 1
    assert figures(*images) == pytest.approx((entropy, diversity), rel=1e-6)
