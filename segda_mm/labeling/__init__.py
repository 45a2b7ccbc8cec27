"""Labels made by networks: how they are made and stored."""

from .label_store import LabelStore, OtherLabelsError
from .tta_labeler import TTALabeler

__all__ = ['LabelStore', 'OtherLabelsError', 'TTALabeler']
