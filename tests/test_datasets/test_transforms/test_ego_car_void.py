from __future__ import annotations

import numpy as np
import pytest

from segda_mm.datasets import DataError, EgoCarVoid
from segda_mm.ops.panoptic_codes import IGNORED_INSTANCE_CODE, VOID_CODE

NAME = 'ulm/ulm_000003_000004_leftImg8bit.png'


@pytest.fixture
def fine(tmp_path, write_label):
    """Label files of one annotated frame; its lower half is the ego car."""
    ids = np.full((6, 8), 7)
    ids[3:] = 1
    write_label(tmp_path / 'ulm/ulm_000003_000019_gtFine_labelIds.png', ids)
    return str(tmp_path)


@pytest.fixture
def results():
    codes = np.full((6, 8), 11004, dtype=np.int32)
    codes[4] = IGNORED_INSTANCE_CODE
    labels = (codes // 1000).astype(np.uint8)
    labels.flags.writeable = False
    return {'relative_path': NAME, 'gt_seg_map': labels, 'gt_panoptic_seg': codes}


@pytest.mark.parametrize('absent', [None, 'gt_seg_map', 'gt_panoptic_seg'])
def test_the_labels_that_are_there_become_void_in_the_region_only(
    fine, results, absent
):
    results.pop(absent, None)
    changed = EgoCarVoid(annotated=fine)(dict(results))
    assert changed.keys() == results.keys()
    values = dict(gt_seg_map=(255, 11), gt_panoptic_seg=(VOID_CODE, 11004))
    for key in values.keys() & changed.keys():
        assert changed[key].dtype == results[key].dtype
        assert (changed[key][3:] == values[key][0]).all()
        assert (changed[key][:3] == values[key][1]).all()


def test_wrong_places_in_the_pipeline_are_named(fine, results):
    transform = EgoCarVoid(annotated=fine)
    for wrong in ({**results, 'flip': True}, {'relative_path': NAME}):
        with pytest.raises(ValueError, match='before RandomFlip'):
            transform(wrong)
    with pytest.raises(DataError, match=r'000004_leftImg8bit.*before everything'):
        transform({**results, 'gt_seg_map': np.zeros((3, 4), np.uint8)})
