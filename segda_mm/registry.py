"""MMSegmentation's registries, and one for labelers, which it knows nothing of."""

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
