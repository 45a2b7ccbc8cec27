from __future__ import annotations

import numpy as np
import pytest
from cityscapesscripts.helpers.labels import id2label, labels
from PIL import Image

from segda_mm.datasets import DataError
from segda_mm.datasets.formats.cityscapes_instances import (
    codes_from_instance_ids,
    instance_ids_from_codes,
    read_instance_ids,
)
from segda_mm.datasets.formats.cityscapes_labels import LABELS


def test_codes_by_hand():
    codes = {
        7: 0, 23: 10000, 24: 11000, 26000: 13001, 26017: 13018, 33998: 18999,
        0: 255000, 29: 255000, 29000: 255001, 30005: 255001, 255: 255000, 33: 18000,
    }  # fmt: skip
    made = codes_from_instance_ids(np.array([list(codes)], dtype=np.uint16))
    assert made.dtype == np.int32
    assert made.tolist() == [list(codes.values())]


def test_every_id_agrees_with_the_definitions_of_cityscapes():
    """The reference is the label table of Cityscapes' own scripts."""
    for label_id, label in id2label.items():
        if label_id < 0:
            continue
        values = np.arange(1, 999) + label_id * 1000
        train_id = 255 if label.ignoreInEval else label.trainId
        assert codes_from_instance_ids(np.array([[label_id]])) == train_id * 1000
        if not label.hasInstances:
            # Label 0 with a number is label 1, 2, ..., not an instance.
            for value in values if label_id else ():
                with pytest.raises(DataError):
                    codes_from_instance_ids(np.array([[value]]))
        elif label.ignoreInEval:
            assert set(codes_from_instance_ids(values[None]).ravel()) == {255001}
        else:
            codes = codes_from_instance_ids(values[None]).ravel()
            assert (codes == train_id * 1000 + np.arange(2, 1000)).all()


@pytest.mark.parametrize('code', [19000, 254001, 1])
def test_codes_that_no_file_can_hold_are_refused(code):
    with pytest.raises(ValueError, match=rf'\[{code}\]'):
        instance_ids_from_codes(np.array([[code, 0]]))


@pytest.mark.parametrize('mode', ['L', 'P', 'RGB'])
def test_other_files_are_refused(tmp_path, mode):
    Image.new(mode, (4, 3)).save(tmp_path / 'a.png')
    with pytest.raises(DataError, match=rf"a\.png.*'{mode}'.*_instanceIds\.png"):
        read_instance_ids(tmp_path / 'a.png')


def test_table_agrees_with_the_published_scripts():
    ours = {label.name: label for label in LABELS}
    assert set(ours) == {label.name for label in labels}
    for label in labels:
        mine = ours[label.name]
        assert mine.id == label.id
        # The scripts give the licence plate train id -1, which is no 8-bit id.
        assert mine.train_id == label.trainId % 256
        assert (mine.train_id == 255) == label.ignoreInEval
        assert mine.color == label.color
        if label.name != 'license plate':
            assert mine.has_instances == label.hasInstances
