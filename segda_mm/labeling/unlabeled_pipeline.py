"""A test pipeline without the steps that need labels."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from segda_mm.registry import TRANSFORMS

#: Transforms, and bases of transforms, that read labels or work on them alone.
LABEL_STEPS = frozenset(
    {
        'EgoCarVoid',
        'GenerateEdge',
        'LoadAnnotations',
        'LoadLabelIds',
        'LoadPanopticLabels',
        'LoadPseudoLabels',
        'PanopticTargets',
    }
)


def without_labels(pipeline: Sequence[dict]) -> list[dict]:
    """Copy a pipeline, also within ``TestTimeAug``, without what needs labels."""
    steps = []
    for step in pipeline:
        if _needs_labels(step):
            continue
        step = copy.deepcopy(step)
        if step['type'] == 'TestTimeAug':
            choices = [without_labels(choice) for choice in step['transforms']]
            step['transforms'] = [choice for choice in choices if choice]
        steps.append(step)
    return steps


def _needs_labels(step: dict) -> bool:
    kind = step['type']
    if isinstance(kind, str):
        kind = TRANSFORMS.get(kind)
    if kind is None:
        raise KeyError(f'the pipeline has an unknown step {step["type"]!r}')
    return any(base.__name__ in LABEL_STEPS for base in kind.__mro__)
