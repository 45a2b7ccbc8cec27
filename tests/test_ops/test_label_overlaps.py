import numpy as np
import pytest

from segda_mm.ops.label_overlaps import label_overlaps


@pytest.mark.parametrize('shape', [(1, 1), (1, 8), (17, 31)])
@pytest.mark.parametrize('labels', [1, 3, 255999])
def test_equals_counting_pixel_by_pixel(shape, labels):
    rng = np.random.default_rng(labels)
    truth = rng.integers(0, labels, shape, np.int32)
    # Another type, and not contiguous.
    prediction = rng.integers(0, 3, shape[::-1], np.uint8).T
    overlaps = label_overlaps(truth, prediction)
    pairs, counts = np.unique(
        np.stack([truth.ravel(), prediction.ravel()]), axis=1, return_counts=True
    )
    expected = dict(zip(map(tuple, pairs.T.tolist()), counts.tolist()))
    got = {
        (int(true), int(predicted)): int(overlaps.pixels[row, column])
        for row, true in enumerate(overlaps.truth)
        for column, predicted in enumerate(overlaps.prediction)
        if overlaps.pixels[row, column]
    }
    assert got == expected


@pytest.mark.parametrize(
    ('truth', 'prediction', 'message'),
    [
        (np.zeros((2, 3), int), np.zeros((3, 2), int), r'\(2, 3\).*\(3, 2\)'),
        (np.zeros((0, 3), int), np.zeros((0, 3), int), 'not empty'),
        (np.zeros((2, 3), int), np.full((2, 3), -1), 'label -1'),
    ],
)
def test_wrong_maps(truth, prediction, message):
    with pytest.raises(ValueError, match=message):
        label_overlaps(truth, prediction)
