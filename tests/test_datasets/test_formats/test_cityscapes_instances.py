from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from segda_mm.datasets import DataError
from segda_mm.datasets.formats.cityscapes_instances import (
    codes_from_instance_ids,
    instance_ids_from_codes,
    read_instance_ids,
)


def test_codes_by_hand():
    ids = np.array(
        [
            [7, 23, 24, 26000, 26017, 33998],
            [0, 29, 29000, 30005, 255, 33],
        ],
        dtype=np.uint16,
    )
    codes = codes_from_instance_ids(ids)
    assert codes.dtype == np.int32
    assert codes.tolist() == [
        [0, 10000, 11000, 13001, 13018, 18999],
        [255000, 255000, 255001, 255001, 255000, 18000],
    ]


def test_every_id_agrees_with_the_definitions_of_cityscapes():
    """The reference is the label table of Cityscapes' own scripts."""
    labels = pytest.importorskip('cityscapesscripts.helpers.labels')
    for label_id, label in labels.id2label.items():
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


@pytest.mark.parametrize('mode', ['L', 'P', 'RGB', 'RGBA'])
def test_other_files_are_refused(tmp_path, mode):
    Image.new(mode, (4, 3)).save(tmp_path / 'a.png')
    what = f"'{mode}'.*colour" if len(mode) > 1 else r'label ids.*_instanceIds\.png'
    with pytest.raises(DataError, match=rf'a\.png.*{what}'):
        read_instance_ids(tmp_path / 'a.png')
