from __future__ import annotations

import numpy as np
import pytest

from segda_mm.datasets import PackPanopticInputs, PanopticTargets
from segda_mm.ops.panoptic_targets import panoptic_targets
from segda_mm.registry import TRANSFORMS


@pytest.fixture
def results():
    """A road with a 3x3 car, a bus of one pixel, a group of persons and void."""
    codes = np.zeros((12, 16), dtype=np.int32)
    codes[2:5, 4:7] = 13001
    codes[8, 10] = 15001
    codes[0] = 11000
    codes[11] = 255000
    return {
        'img': np.zeros((12, 16, 3), np.uint8),
        'img_shape': (12, 16),
        'gt_panoptic_seg': codes,
        'gt_seg_map': (codes // 1000).astype(np.uint8),
        'seg_fields': ['gt_panoptic_seg', 'gt_seg_map'],
        'thing_classes': list(range(11, 19)),
    }


def test_targets_are_those_of_the_codes_and_the_settings(results):
    settings = dict(sigma=2.0, small_instance_area=5, small_instance_weight=4.0)
    expected = panoptic_targets(
        results['gt_panoptic_seg'], results['thing_classes'], *settings.values()
    )
    made = PanopticTargets(**settings)(dict(results))
    assert made.keys() - results.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(made[name], array)
    # Of the two instances only the bus has fewer than five pixels.
    assert np.argwhere(made['gt_sem_seg_weight'] == 4).tolist() == [[8, 10]]
    assert made['gt_offset_weight'].sum() == 10


def test_defaults_are_those_of_the_paper(results):
    results = PanopticTargets()(results)
    # Five rows and three columns from the bus, farther from the car.
    expected = np.exp(-(5**2 + 3**2) / (2 * 8**2))
    assert results['gt_center_heatmap'][3, 13] == pytest.approx(expected)
    assert (results['gt_sem_seg_weight'] == 3).sum() == 10


def test_packing(results):
    results['relative_path'] = 'a/b.png'
    results = PanopticTargets(sigma=2.0)(results)
    packed = PackPanopticInputs(meta_keys=('relative_path',))(results)
    assert packed['inputs'].shape == (3, 12, 16)
    sample = packed['data_samples']
    assert sample.relative_path == 'a/b.png'
    kinds = {name: sample.get(name).data for name in sample.keys()}  # noqa: SIM118
    assert {
        name: (tuple(data.shape), str(data.dtype).removeprefix('torch.'))
        for name, data in kinds.items()
    } == {
        'gt_sem_seg': ((1, 12, 16), 'int64'),
        'gt_panoptic_seg': ((1, 12, 16), 'int32'),
        'gt_center_heatmap': ((1, 12, 16), 'float32'),
        'gt_center_weight': ((1, 12, 16), 'float32'),
        'gt_offset': ((2, 12, 16), 'float32'),
        'gt_offset_weight': ((1, 12, 16), 'float32'),
        'gt_sem_seg_weight': ((1, 12, 16), 'float32'),
    }
    for name, data in kinds.items():
        expected = results['gt_seg_map' if name == 'gt_sem_seg' else name]
        assert (data.numpy() == expected).all(), name


def _augment(results, *steps):
    for step in steps:
        results = TRANSFORMS.build(step)(results)
    return results


def test_resizing_flipping_and_cropping_keep_the_codes():
    """Codes beyond 16 bits, on an image whose pixels tell where they came from."""
    rng = np.random.default_rng(0)
    codes = rng.integers(65536, 255002, (24, 32)).astype(np.int32)
    rows, columns = np.indices(codes.shape)
    results = {
        'img': np.stack([rows, columns, rows], 2).astype(np.uint8),
        'img_shape': codes.shape,
        'gt_panoptic_seg': codes,
        'gt_seg_map': (codes // 1000).astype(np.uint8),
        'seg_fields': ['gt_panoptic_seg', 'gt_seg_map'],
    }
    resize = {'type': 'RandomChoiceResize', 'keep_ratio': False}
    up = _augment(dict(results), {**resize, 'scales': [(64, 48)]})
    assert up['gt_panoptic_seg'].dtype == np.int32
    assert (up['gt_panoptic_seg'] == codes.repeat(2, 0).repeat(2, 1)).all()

    np.random.seed(3)
    cropped = _augment(
        dict(results),
        {'type': 'RandomCrop', 'crop_size': (9, 13)},
        {'type': 'RandomFlip', 'prob': 1.0},
    )
    assert cropped['gt_panoptic_seg'].dtype == np.int32
    rows, columns = (cropped['img'][..., i].astype(int) for i in (0, 1))
    assert rows.shape == (9, 13)
    assert columns[0, 0] > columns[0, 1]
    assert (cropped['gt_panoptic_seg'] == codes[rows, columns]).all()
