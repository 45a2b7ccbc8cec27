"""Tiles of upsampled logits against PyTorch's operations on whole maps."""

import pytest
import torch
import torch.nn.functional as F

from segda_mm.ops import upsampled_logits
from segda_mm.ops.upsampled_logits import upsampled_cross_entropy, upsampled_prediction

# From sizes of logits to sizes of images: usual, odd, one pixel, smaller, equal.
SIZES = [
    ((4, 8), (32, 64)),
    ((5, 7), (33, 50)),
    ((1, 1), (6, 5)),
    ((9, 6), (5, 4)),
    ((6, 5), (6, 5)),
]


@pytest.fixture(params=['part', 'whole'], autouse=True)
def tile(request, monkeypatch):
    """Tiles of a few pixels of an image, and of all of them."""
    if request.param == 'part':
        monkeypatch.setattr(upsampled_logits, 'CPU_TILE', 300)
        monkeypatch.setattr(upsampled_logits, 'CPU_COLUMNS', 3)


def make(small, large, dtype, num_classes=5):
    torch.manual_seed(0)
    logits = 3 * torch.randn(2, num_classes, *small, dtype=torch.float64)
    labels = torch.randint(num_classes, (2, *large))
    labels[torch.rand(labels.shape) < 0.3] = 255
    return logits.to(dtype).to(memory_format=torch.channels_last), labels


def value_and_gradient(loss, logits):
    logits = logits.clone().requires_grad_()
    value = loss(logits)
    return value.detach(), *torch.autograd.grad(3 * value, logits)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('align_corners, weighted', [(False, False), (True, True)])
@pytest.mark.parametrize('small, large', SIZES)
def test_value_and_gradient(small, large, weighted, align_corners, dtype):
    logits, labels = make(small, large, dtype)
    pixel_weights = class_weights = None
    if weighted:
        pixel_weights = torch.rand(labels.shape)
        class_weights = torch.rand(5, dtype=dtype)

    def ours(logits):
        return upsampled_cross_entropy(
            logits, labels, 255, align_corners, pixel_weights, class_weights
        ).loss

    def expected(logits):
        maps = F.interpolate(
            logits, large, mode='bilinear', align_corners=align_corners
        )
        weight = None if class_weights is None else class_weights.double()
        losses = F.cross_entropy(
            maps, labels, weight, reduction='none', ignore_index=255
        )
        return (losses if pixel_weights is None else losses * pixel_weights).sum()

    error = 1e-12 if dtype == torch.float64 else 1e-6
    value, gradient = value_and_gradient(ours, logits)
    true_value, true_gradient = value_and_gradient(expected, logits.double())
    assert value.dtype == gradient.dtype == dtype
    torch.testing.assert_close(value.double(), true_value, rtol=error, atol=error)
    largest = float(true_gradient.abs().max())
    torch.testing.assert_close(
        gradient.double(), true_gradient, rtol=0, atol=error * largest
    )


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    logits, labels = make((4, 8), (32, 64), dtype)

    def loss(logits):
        return upsampled_cross_entropy(logits, labels, 255, False).loss

    with torch.autocast('cpu', torch.bfloat16):
        value, gradient = value_and_gradient(loss, logits)
    expected, wide = value_and_gradient(loss, logits.float())
    torch.testing.assert_close((value, gradient), (expected, wide.to(dtype)))
    assert value.dtype == torch.float32 and gradient.dtype == dtype


def test_void_alone_has_no_loss_and_no_gradient():
    logits, labels = make((2, 3), (5, 7), torch.float32)
    labels.fill_(255)
    sums = upsampled_cross_entropy(logits.requires_grad_(), labels, 255, False)
    sums.loss.backward()
    assert sums.loss == 0 and sums.correct == 0 and not logits.grad.any()


def test_a_label_that_is_no_class_is_refused():
    logits, labels = make((2, 3), (5, 7), torch.float32)
    labels[1, 2, 3] = 5
    with pytest.raises(RuntimeError, match='index 5 is out of bounds'):
        upsampled_cross_entropy(logits, labels, 255, False)


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('small, large', SIZES)
def test_predictions_and_the_count_of_correct_ones(small, large, align_corners):
    logits, labels = make(small, large, torch.float64)
    maps = F.interpolate(logits, large, mode='bilinear', align_corners=align_corners)
    confidence, classes = upsampled_prediction(logits, large, align_corners)
    expected, best = maps.softmax(1).max(1)
    torch.testing.assert_close(confidence, expected)
    assert torch.equal(classes, best)
    sums = upsampled_cross_entropy(logits, labels, 255, align_corners)
    assert sums.correct == (best == labels).sum() > 0

    two = logits[:, :2]
    probability = maps[:, :2].softmax(1)[:, 1]
    confidence, classes = upsampled_prediction(two, large, align_corners, 0.2)
    assert torch.equal(classes, (probability > 0.2).long())
    expected = torch.where(probability > 0.2, probability, 1 - probability)
    torch.testing.assert_close(confidence, expected)


def test_the_first_of_equal_classes_is_predicted():
    logits = torch.tensor([0.0, 2.0, 2.0, 1.0]).view(1, 4, 1, 1)
    _, classes = upsampled_prediction(logits, (2, 2), False)
    assert classes.eq(1).all()
