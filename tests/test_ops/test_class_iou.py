import numpy as np
import pytest

from segda_mm.ops.class_iou import class_iou, confusion_matrix
from segda_mm.ops.label_overlaps import label_overlaps


def confusion(truth, prediction, num_classes=3):
    overlaps = label_overlaps(np.array([truth]), np.array([prediction]))
    return confusion_matrix(overlaps, num_classes)


def test_by_hand():
    matrix = confusion([0, 0, 0, 1, 1, 255, 255], [0, 1, 255, 1, 1, 0, 2])
    assert matrix.tolist() == [[1, 1, 0, 1], [0, 2, 0, 0], [0, 0, 0, 0]]
    # Class 0: one of three true pixels; class 1: two of two and one more.
    np.testing.assert_allclose(class_iou(matrix), [1 / 3, 2 / 3, np.nan])


def test_predicted_only_is_zero():
    iou = class_iou(confusion([0, 0], [2, 2]))
    np.testing.assert_array_equal(iou, [0, np.nan, 0])


@pytest.mark.parametrize(
    ('truth', 'prediction', 'message'),
    [([0, 3], [0, 0], 'ground truth.*3'), ([0, 0], [0, 4], 'prediction.*4')],
)
def test_class_too_many(truth, prediction, message):
    with pytest.raises(ValueError, match=f'{message}.*only 3 classes'):
        confusion(truth, prediction)
