import pytest
import torch

from segda_mm.methods import ClassMedian
from segda_mm.registry import MODELS

CONFIDENCE = torch.tensor(
    [[[0.5, 0.6, 0.7], [0.95, 0.99, 0.3]], [[0.2, 0.2, 0.2], [0.2, 0.2, 0.97]]]
)
LABELS = torch.tensor([[[0, 0, 0], [1, 1, 2]], [[0, 0, 1], [1, 1, 1]]])


@pytest.mark.parametrize(
    'config, labels, weights',
    [
        (
            dict(type='ConfidentShare', threshold=0.95),
            LABELS,
            torch.tensor([2 / 6, 1 / 6])[:, None, None].expand(2, 2, 3),
        ),
        (
            dict(type='ConfidentShare', threshold=0.95, ignored_rows=(0, 1)),
            LABELS,
            torch.tensor([[[2 / 6] * 3, [0] * 3], [[1 / 6] * 3, [0] * 3]]),
        ),
        (dict(type='PixelConfidence', exponent=2.0), LABELS, CONFIDENCE**2),
        # Medians 0.6, 0.97 (capped at 0.9), 0.3; 0.2, 0.2.
        (
            dict(type='ClassMedian', cap=0.9, scope='image'),
            torch.tensor([[[255, 0, 0], [1, 1, 2]], [[0, 0, 1], [1, 1, 1]]]),
            torch.tensor([[[0.0, 1, 1], [1, 1, 1]], [[1, 1, 1], [1, 1, 1]]]),
        ),
        # Medians 0.5 of class 0 (0.2 0.2 0.5 0.6 0.7), 0.575 of class 1
        # (0.2 0.2 0.2 0.95 0.97 0.99), 0.3.
        (
            dict(type='ClassMedian', cap=0.9, scope='batch'),
            torch.tensor([[[0, 0, 0], [1, 1, 2]], [[255, 255, 255], [255, 255, 1]]]),
            torch.tensor([[[1.0, 1, 1], [1, 1, 1]], [[0, 0, 0], [0, 0, 1]]]),
        ),
    ],
)
def test_labels_and_weights_by_hand(config, labels, weights):
    labeler = MODELS.build(config)
    result = labeler(CONFIDENCE, LABELS, 3)
    assert torch.equal(result.labels, labels)
    torch.testing.assert_close(result.weights, weights)
    assert labeler.voids == (labels == 255).any()


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match='cap=1.5'):
        ClassMedian(1.5, 'image')
    with pytest.raises(ValueError, match="scope='picture'.*image, batch, dataset"):
        ClassMedian(0.9, 'picture')
    with pytest.raises(ValueError, match='MedianThresholdPseudoLabelHook'):
        ClassMedian(0.9, 'dataset')(CONFIDENCE, LABELS, 3)
