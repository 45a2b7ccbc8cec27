"""Labels made by networks: how they are made and stored."""

from segda_mm.errors import OtherLabelsError

from .label_store import LabelStore
from .tta_labeler import TTALabeler

__all__ = ['LabelStore', 'OtherLabelsError', 'TTALabeler']
