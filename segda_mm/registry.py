"""The one place that registries come from.

Everything is registered into MMSegmentation's registries, so that the
components work from any MMSegmentation config. Only feedback rules and labelers,
kinds of components MMSegmentation has no registry for, get registries of their own.
"""

from mmengine.registry import FUNCTIONS, Registry
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

#: Rules that turn the student's losses into the teacher's feedback. Its scope
#: is that of the configs (``default_scope = 'mmseg'``): with another one every
#: lookup would warn that the registry tree has no branch for the scope.
FEEDBACK_RULES = Registry(
    'feedback_rule', parent=FUNCTIONS, scope='mmseg', locations=['segda_mm.methods']
)

#: What labels images with a trained network. Without a parent: MMEngine's root has
#: room for one child of a scope.
LABELERS = Registry('labeler', scope='mmseg', locations=['segda_mm.labeling'])

__all__ = [
    'DATASETS',
    'DATA_SAMPLERS',
    'FEEDBACK_RULES',
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
