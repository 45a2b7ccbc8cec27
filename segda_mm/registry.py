"""The one place that registries come from.

Everything is registered into MMSegmentation's registries, so that the
components work from any MMSegmentation config. Only labelers, a kind of component
that MMSegmentation has no registry for, get one of their own.
"""

from mmengine.registry import Registry
from mmseg.registry import (
    DATA_SAMPLERS,
    DATASETS,
    HOOKS,
    LOOPS,
    METRICS,
    MODEL_WRAPPERS,
    MODELS,
    OPTIM_WRAPPER_CONSTRUCTORS,
    OPTIM_WRAPPERS,
    RUNNERS,
    TRANSFORMS,
    VISUALIZERS,
    WEIGHT_INITIALIZERS,
)

#: What labels images with a trained network. Without a parent: MMEngine's root has
#: room for one child of a scope.
LABELERS = Registry('labeler', scope='mmseg', locations=['segda_mm.labeling'])

__all__ = [
    'DATASETS',
    'DATA_SAMPLERS',
    'HOOKS',
    'LABELERS',
    'LOOPS',
    'METRICS',
    'MODELS',
    'MODEL_WRAPPERS',
    'OPTIM_WRAPPERS',
    'OPTIM_WRAPPER_CONSTRUCTORS',
    'RUNNERS',
    'TRANSFORMS',
    'VISUALIZERS',
    'WEIGHT_INITIALIZERS',
]
