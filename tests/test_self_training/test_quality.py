"""Pseudo labels are judged as predictions are."""

import numpy as np
import pytest

from segda_mm.self_training import PlanError
from segda_mm.self_training.quality import label_quality


class Maps:
    """A data set of maps that are in memory."""

    def __init__(self, maps, field='gt_seg_map', **metainfo):
        self.maps = maps
        self.field = field
        self.metainfo = dict(classes=('a', 'b', 'c'), **metainfo)

    def __len__(self):
        return len(self.maps)

    def get_data_info(self, index):
        return dict(relative_path=list(self.maps)[index])

    def __getitem__(self, index):
        values = list(self.maps.values())[index]
        if self.field == 'gt_seg_map':
            return dict(gt_seg_map=values)
        return dict(
            gt_panoptic_seg=values, gt_seg_map=(values // 1000).astype(np.uint8)
        )


def test_miou_by_hand_over_the_images_that_both_have():
    truth = np.uint8([[0, 0, 1, 1, 255]])
    made = np.uint8([[0, 1, 1, 255, 2]])
    wrong = np.uint8([[1, 1, 0, 0, 0]])
    figures = label_quality(
        Maps({'x': made, 'known': wrong, 'no truth': wrong}),
        Maps({'x': truth, 'known': truth, 'not labelled': truth}),
        left_out=['known'],
    )
    # a: 1 of 2. b: 1 of 3, the void pixel is missed. c lies on void only.
    assert figures == dict(images=1, mIoU=pytest.approx(100 * (1 / 2 + 1 / 3) / 2))


def test_panoptic_quality_by_hand():
    # Things are b: two instances, of which one is found with an overlap of 3/4.
    truth = np.int32([[0, 0, 1001, 1001, 1001, 1001, 1002, 1002]])
    made = np.int32([[0, 0, 0, 1005, 1005, 1005, 0, 0]])
    things = dict(field='gt_panoptic_seg', thing_classes=[1])
    figures = label_quality(Maps({'x': made}, **things), Maps({'x': truth}, **things))
    # a: 2 of 5 pixels, no match, one missed and one false. b: 0.75 / (1 + 1/2).
    assert figures['PQ'] == pytest.approx(100 * (0 + 0.75 / 1.5) / 2)
    assert figures['mIoU'] == pytest.approx(100 * (2 / 5 + 3 / 6) / 2)


def test_without_a_truth_or_names():
    made = Maps({'x': np.zeros((1, 1), np.uint8)})
    assert label_quality(made, Maps({})) == dict(images=0, mIoU=None)
    made.get_data_info = lambda index: {}
    with pytest.raises(PlanError, match='Maps does not name its images'):
        label_quality(made, made)
