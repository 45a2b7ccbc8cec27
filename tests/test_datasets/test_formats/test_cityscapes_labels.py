from __future__ import annotations

import numpy as np
import pytest

from segda_mm.datasets.formats.cityscapes_labels import (
    CLASSES,
    ID_TO_TRAIN_ID,
    KNOWN_IDS,
    LABELS,
    PALETTE,
)


def test_table_agrees_with_the_published_scripts():
    published = pytest.importorskip('cityscapesscripts.helpers.labels').labels
    ours = {label.name: label for label in LABELS}
    assert set(ours) == {label.name for label in published}
    for label in published:
        mine = ours[label.name]
        assert mine.id == label.id
        # The scripts give the licence plate train id -1, which is no 8-bit id.
        assert mine.train_id == label.trainId % 256
        assert mine.category == label.category
        assert mine.color == label.color
        assert mine.ignore_in_eval == label.ignoreInEval
        if label.name != 'license plate':
            assert mine.has_instances == label.hasInstances


def test_classes_and_palette_are_in_train_id_order():
    assert CLASSES[:3] == ('road', 'sidewalk', 'building')
    assert CLASSES[16:] == ('train', 'motorcycle', 'bicycle')
    assert len(CLASSES) == len(PALETTE) == 19
    assert PALETTE[0] == (128, 64, 128)
    assert PALETTE[18] == (119, 11, 32)


def test_lookup_table():
    assert ID_TO_TRAIN_ID.dtype == np.uint8
    assert ID_TO_TRAIN_ID[[7, 8, 11, 26, 33]].tolist() == [0, 1, 2, 13, 18]
    assert ID_TO_TRAIN_ID[[0, 1, 9, 29, 34, 255]].tolist() == [255] * 6
    assert {*range(34), 255} == KNOWN_IDS
