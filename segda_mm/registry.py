"""MMSegmentation's registries, and one for labelers, which it knows nothing of."""

from mmengine.registry import Registry
from mmseg.registry import DATA_SAMPLERS as DATA_SAMPLERS
from mmseg.registry import DATASETS as DATASETS
from mmseg.registry import HOOKS as HOOKS
from mmseg.registry import LOOPS as LOOPS
from mmseg.registry import METRICS as METRICS
from mmseg.registry import MODEL_WRAPPERS as MODEL_WRAPPERS
from mmseg.registry import MODELS as MODELS
from mmseg.registry import OPTIM_WRAPPER_CONSTRUCTORS as OPTIM_WRAPPER_CONSTRUCTORS
from mmseg.registry import OPTIM_WRAPPERS as OPTIM_WRAPPERS
from mmseg.registry import RUNNERS as RUNNERS
from mmseg.registry import TRANSFORMS as TRANSFORMS
from mmseg.registry import VISUALIZERS as VISUALIZERS
from mmseg.registry import WEIGHT_INITIALIZERS as WEIGHT_INITIALIZERS

#: What labels images with a trained network. Without a parent: MMEngine's root has
#: room for one child of a scope.
LABELERS = Registry('labeler', scope='mmseg', locations=['segda_mm.labeling'])
