"""Labels made by networks: how they are stored."""
from segda_mm.labeling.label_store import LabelStore

__all__ = ['LabelStore']
