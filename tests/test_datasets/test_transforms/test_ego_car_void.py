from __future__ import annotations

import pickle

import numpy as np
import pytest

from segda_mm.datasets import DataError, EgoCarVoid
from segda_mm.ops.panoptic_codes import IGNORED_INSTANCE_CODE, VOID_CODE
from segda_mm.registry import TRANSFORMS

NAME = 'ulm/ulm_000003_{:06d}_leftImg8bit.png'


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
    return {
        'relative_path': NAME.format(4),
        'gt_seg_map': labels,
        'gt_panoptic_seg': codes,
    }


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
    config = dict(type='EgoCarVoid', annotated=fine, ego_ids=(1,))
    transform = TRANSFORMS.build(config)
    with pytest.raises(ValueError, match='before RandomFlip'):
        transform({**results, 'flip': True})
    with pytest.raises(DataError, match=r'000004_leftImg8bit.*before everything'):
        transform({**results, 'gt_seg_map': np.zeros((3, 4), np.uint8)})
    with pytest.raises(ValueError, match='after LoadPseudoLabels'):
        transform({'relative_path': NAME.format(4)})
    transform = pickle.loads(pickle.dumps(transform))
    assert (transform(results)['gt_seg_map'] == 255).sum() == 24
