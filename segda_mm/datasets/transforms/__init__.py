from .load_label_ids import LoadLabelIds
from .load_pseudo_labels import LoadPseudoLabels

__all__ = ['LoadLabelIds', 'LoadPseudoLabels']
