from .camera_effects import CameraEffects
from .color_statistics import ColorStatistics
from .ego_car_void import EgoCarVoid
from .fourier_style import FourierStyle
from .load_label_ids import LoadLabelIds
from .load_pseudo_labels import LoadPseudoLabels
from .loading import LoadPanopticLabels
from .pack_panoptic_inputs import PackPanopticInputs
from .panoptic_targets import PanopticTargets

__all__ = [
    'CameraEffects',
    'ColorStatistics',
    'EgoCarVoid',
    'FourierStyle',
    'LoadLabelIds',
    'LoadPanopticLabels',
    'LoadPseudoLabels',
    'PackPanopticInputs',
    'PanopticTargets',
]
