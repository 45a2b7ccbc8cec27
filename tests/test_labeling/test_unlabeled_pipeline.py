"""Test pipelines without labels."""

import copy

import pytest
from mmengine.registry import init_default_scope
from mmseg.datasets.transforms import LoadAnnotations

from segda_mm.labeling.unlabeled_pipeline import without_labels

init_default_scope('mmseg')
LOAD, PACK = dict(type='LoadImageFromFile'), dict(type='PackSegInputs')


@pytest.mark.parametrize(
    'step',
    [
        dict(type='LoadAnnotations', reduce_zero_label=True),
        dict(type=LoadAnnotations),
        dict(type='mmseg.LoadAnnotations'),
        dict(type='LoadPanopticLabels'),
        dict(type='PanopticTargets'),
    ],
)
def test_what_needs_labels_is_left_out(step):
    assert without_labels([LOAD, step, PACK]) == [LOAD, PACK]


def test_views_are_looked_through():
    sizes = [dict(type='Resize', scale_factor=factor) for factor in (0.5, 1.0)]
    views = dict(
        type='TestTimeAug',
        transforms=[sizes, [dict(type='LoadLabelIds')], [PACK]],
    )
    pipeline = [LOAD, views]
    before = copy.deepcopy(pipeline)
    assert without_labels(pipeline) == [
        LOAD,
        dict(type='TestTimeAug', transforms=[sizes, [PACK]]),
    ]
    assert pipeline == before
