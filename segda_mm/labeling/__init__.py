"""Labels made by networks: how they are made and stored."""

from segda_mm.errors import OtherLabelsError

from .pseudo_label_hook import MedianThresholdPseudoLabelHook
from .store import LabelStore
from .tta_labeler import TTALabeler

__all__ = [
    'LabelStore',
    'MedianThresholdPseudoLabelHook',
    'OtherLabelsError',
    'TTALabeler',
]
