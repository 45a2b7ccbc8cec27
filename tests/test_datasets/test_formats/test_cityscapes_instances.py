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


@pytest.mark.parametrize('value', [34, 7001, 26999])
def test_unknown_ids_are_named(value):
    ids = np.full((3, 4), 7, dtype=np.uint16)
    ids[1, 2:] = value
    with pytest.raises(DataError, match=rf'a\.png: .*\[{value}\] in 2 pixels'):
        codes_from_instance_ids(ids, 'a.png')


def test_what_becomes_of_void_and_of_the_highest_code():
    ids = instance_ids_from_codes(np.array([[255000, 255001, 18999]]))
    assert ids.dtype == np.uint16
    assert ids.tolist() == [[0, 0, 33998]]


@pytest.mark.parametrize('code', [19000, 254001, 1])
def test_codes_that_no_file_can_hold_are_refused(code):
    with pytest.raises(ValueError, match=rf'\[{code}\]'):
        instance_ids_from_codes(np.array([[code, 0]]))


def test_files_are_read_in_both_modes(tmp_path):
    ids = np.array([[7, 33998], [26001, 65535]], dtype=np.uint16)
    Image.fromarray(ids).save(tmp_path / 'a.png')
    assert read_instance_ids(tmp_path / 'a.png').tolist() == ids.tolist()
    Image.fromarray(ids.astype(np.int32), mode='I').save(tmp_path / 'a.tif')
    assert read_instance_ids(tmp_path / 'a.tif').tolist() == ids.tolist()


@pytest.mark.parametrize('mode', ['L', 'P', 'RGB', 'RGBA'])
def test_other_files_are_refused(tmp_path, mode):
    Image.new(mode, (4, 3)).save(tmp_path / 'a.png')
    what = f"'{mode}'.*colour" if len(mode) > 1 else r'label ids.*_instanceIds\.png'
    with pytest.raises(DataError, match=rf'a\.png.*{what}'):
        read_instance_ids(tmp_path / 'a.png')


def test_absent_and_broken_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r'b\.png.*does not exist.*exclude='):
        read_instance_ids(tmp_path / 'b.png')
    (tmp_path / 'b.png').write_bytes(b'\x89PNG')
    with pytest.raises(DataError, match=r'b\.png.*cannot be decoded'):
        read_instance_ids(tmp_path / 'b.png')
