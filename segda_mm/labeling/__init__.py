"""Labels made by networks: how they are made and stored."""

from .processes import Processes
from .pseudo_label_hook import MedianThresholdPseudoLabelHook
from .store import LabelStore
from .tta_labeler import TTALabeler
from .unlabeled_pipeline import without_labels

__all__ = [
    'LabelStore',
    'MedianThresholdPseudoLabelHook',
    'Processes',
    'TTALabeler',
    'without_labels',
]
