import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from segda_mm.evaluation import PixelPrecision


def sample(prediction, truth=None):
    data = SegDataSample(metainfo=dict(img_path='street.png'))
    data.pred_sem_seg = PixelData(data=torch.tensor([prediction]))
    if truth is not None:
        data.gt_sem_seg = PixelData(data=torch.tensor([truth]))
    return data.to_dict()


def test_void_counts_as_wrong_and_images_weigh_alike():
    # Image 1: 2 of 4 pixels right, one of the others void. Image 2, of
    # another size: 2 of 2 right. Mean of 50 % and 100 %; pooled over the
    # pixels it would be 4 of 6, and without void 4 of 5.
    metric = PixelPrecision()
    metric.process(
        {},
        [
            sample([[0, 1], [1, 1]], [[0, 1], [255, 0]]),
            sample([[3, 2]], [[3, 2]]),
        ],
    )
    assert metric.evaluate(2) == {'pixel_precision': 75.0}


def test_two_decimals_like_iou_metric():
    metric = PixelPrecision()
    metric.process({}, [sample([[0, 0, 0]], [[0, 1, 1]])])
    assert metric.evaluate(1)['pixel_precision'] == 33.33


def test_sample_without_truth_is_named():
    with pytest.raises(ValueError, match=r'street\.png has no ground truth'):
        PixelPrecision().process({}, [sample([[0]])])


def test_shapes_must_agree():
    # Equal numbers of pixels, so that only the shapes differ.
    with pytest.raises(ValueError, match=r'\(1, 2\).*\(2, 1\)'):
        PixelPrecision().process({}, [sample([[0, 0]], [[0], [0]])])
