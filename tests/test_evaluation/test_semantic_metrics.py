import math

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.evaluation import IoUMetric
from mmseg.structures import SegDataSample

from segda_mm.evaluation import PerClassIoUMetric, PixelPrecision

CLASSES = ('road', 'car', 'person', 'train')


def samples(seed, count=3):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        prediction = torch.randint(3, (1, 16, 24), generator=generator)
        truth = torch.randint(3, (1, 16, 24), generator=generator)
        truth[0, :4] = 255
        yield dict(pred_sem_seg=dict(data=prediction), gt_sem_seg=dict(data=truth))


def evaluate(metric, batch):
    metric.dataset_meta = dict(classes=CLASSES)
    metric.process({}, batch)
    return metric.evaluate(len(batch))


def test_classes_by_hand():
    truth = torch.tensor([[[0, 0, 1, 1], [2, 2, 255, 255]]])
    prediction = torch.tensor([[[0, 1, 1, 1], [2, 0, 0, 1]]])
    figures = evaluate(
        PerClassIoUMetric(),
        [dict(pred_sem_seg=dict(data=prediction), gt_sem_seg=dict(data=truth))],
    )
    assert figures['IoU.road'] == 33.33  # 1 of {2 true + 1 more predicted}
    assert figures['IoU.car'] == 66.67  # 2 of {2 true + 1 more predicted}
    assert figures['IoU.person'] == 50.0
    assert math.isnan(figures['IoU.train'])
    assert figures['mIoU'] == 50.0  # the absent class is left out
    assert figures['aAcc'] == 66.67  # 4 of the 6 pixels with a class


def test_means_are_those_of_mmseg_as_python_floats():
    batch = list(samples(seed=1))
    ours, theirs = (
        evaluate(metric, batch) for metric in (PerClassIoUMetric(), IoUMetric())
    )
    assert {k: v for k, v in ours.items() if '.' not in k} == {
        k: pytest.approx(float(v)) for k, v in theirs.items()
    }
    assert all(type(value) is float for value in ours.values())


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


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r'street\.png has no ground truth'):
        PixelPrecision().process({}, [sample([[0]])])
    # Equal numbers of pixels, so that only the shapes differ.
    with pytest.raises(ValueError, match=r'\(1, 2\).*\(2, 1\)'):
        PixelPrecision().process({}, [sample([[0, 0]], [[0], [0]])])
