import pytest
import torch

from segda_mm.registry import MODELS

CONFIDENCE = torch.tensor(
    [[[0.5, 0.6, 0.7], [0.95, 0.99, 0.3]], [[0.2, 0.2, 0.2], [0.2, 0.2, 0.97]]]
)
LABELS = torch.tensor([[[0, 0, 0], [1, 1, 2]], [[0, 0, 1], [1, 1, 1]]])


@pytest.mark.parametrize(
    'config, expected',
    [
        (
            dict(type='ConfidentShareWeights', threshold=0.95),
            torch.tensor([2 / 6, 1 / 6])[:, None, None].expand(2, 2, 3),
        ),
        (dict(type='PixelConfidenceWeights', exponent=2.0), CONFIDENCE**2),
        # Medians 0.6, 0.97 (capped at 0.9), 0.3; 0.2, 0.2.
        (
            dict(type='ClassMedianWeights', cap=0.9, scope='image'),
            torch.tensor([[[0.0, 1, 1], [1, 1, 1]], [[1, 1, 1], [1, 1, 1]]]),
        ),
    ],
)
def test_weights_by_hand(config, expected):
    weights = MODELS.build(config)(CONFIDENCE, LABELS, 3)
    assert weights.shape == LABELS.shape
    torch.testing.assert_close(weights, expected)
