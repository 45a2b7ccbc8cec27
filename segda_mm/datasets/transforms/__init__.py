from .camera_effects import CameraEffects
from .ego_car_void import EgoCarVoid
from .loading import (
    LoadImageFromFile,
    LoadLabelIds,
    LoadPanopticLabels,
    LoadPseudoLabels,
)
from .panoptic import PackPanopticInputs, PanopticTargets
from .style import ColorStatistics, FourierStyle

__all__ = [
    'CameraEffects',
    'ColorStatistics',
    'EgoCarVoid',
    'FourierStyle',
    'LoadImageFromFile',
    'LoadLabelIds',
    'LoadPanopticLabels',
    'LoadPseudoLabels',
    'PackPanopticInputs',
    'PanopticTargets',
]
