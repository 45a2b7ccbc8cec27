"""Test pipelines without labels."""

import copy

from mmengine.registry import init_default_scope
from mmseg.datasets.transforms import LoadAnnotations

from segda_mm.labeling.unlabeled_pipeline import without_labels

init_default_scope('mmseg')
LOAD, PACK = dict(type='LoadImageFromFile'), dict(type='PackSegInputs')


LOADERS = [
    dict(type='LoadAnnotations', reduce_zero_label=True),
    dict(type=LoadAnnotations),
    dict(type='mmseg.LoadAnnotations'),
    dict(type='LoadPanopticLabels'),
    dict(type='PanopticTargets'),
]


def test_what_needs_labels_is_left_out_also_of_views():
    assert without_labels([LOAD, *LOADERS, PACK]) == [LOAD, PACK]
    sizes = [dict(type='Resize', scale_factor=factor) for factor in (0.5, 1.0)]
    transforms = [sizes, [dict(type='LoadLabelIds')], [PACK]]
    pipeline = [LOAD, dict(type='TestTimeAug', transforms=transforms)]
    before = copy.deepcopy(pipeline)
    assert without_labels(pipeline) == [
        LOAD,
        dict(type='TestTimeAug', transforms=[sizes, [PACK]]),
    ]
    assert pipeline == before
