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


@pytest.mark.parametrize('cap', [0.4, 0.9])
def test_two_passes_over_a_data_set_are_one_over_a_batch(cap):
    """Up to pixels within a step of a threshold, of which there are none here."""
    draw = torch.Generator().manual_seed(0)
    confidence = torch.rand(5, 8, 9, generator=draw)
    labels = torch.randint(3, (5, 8, 9), generator=draw)
    labeler = ClassMedian(cap, 'dataset')
    statistics = labeler.statistics(4)
    levels = [labeler.levels(image) for image in confidence]
    for image_levels, image_labels in zip(levels, labels):
        labeler.count(statistics, image_levels, image_labels)
    class_levels, thresholds = labeler.levels_and_thresholds(statistics)
    kept = labeler.keep(labels, torch.stack(levels), class_levels)
    expected = ClassMedian(cap, 'batch')(confidence, labels, 4).labels
    assert torch.equal(kept, expected)
    assert (kept == 255).any()
    for label in range(3):
        median = float(confidence[labels == label].quantile(0.5))
        assert thresholds[label] == pytest.approx(min(median, cap), abs=1e-5)
    assert (class_levels[3], thresholds[3]) == (65535, cap)


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match='cap=1.5'):
        ClassMedian(1.5, 'image')
    with pytest.raises(ValueError, match="scope='picture'.*image, batch, dataset"):
        ClassMedian(0.9, 'picture')
    with pytest.raises(ValueError, match='MedianThresholdPseudoLabelHook'):
        ClassMedian(0.9, 'dataset')(CONFIDENCE, LABELS, 3)
