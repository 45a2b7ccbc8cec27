from .camera_effects import CameraEffects
from .ego_car_void import EgoCarVoid
from .loading import LoadLabelIds, LoadPanopticLabels, LoadPseudoLabels
from .panoptic import PackPanopticInputs, PanopticTargets
from .style import ColorStatistics, FourierStyle

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
