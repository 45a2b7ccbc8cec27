from segda_mm.errors import DataError, MissingDataError

from .base import FolderSegDataset, PairedSegDataset, PanopticSegDataset
from .camvid import CamVidDataset, CamVidImagesDataset
from .cityscapes import (
    CityscapesExtraDataset,
    CityscapesFineDataset,
    CityscapesImagesDataset,
    CityscapesPanopticDataset,
    CityscapesSequenceDataset,
)
from .counter_seeded import CounterSeededDataset
from .domain_pair import DomainPairDataset
from .ego_car import EgoCarRegions
from .gta5 import GTA5Dataset
from .mapillary import MapillaryPanopticDataset
from .pseudo_labeled import PseudoLabeledDataset
from .rare_class import RareClassDataset
from .transforms import (
    CameraEffects,
    ColorStatistics,
    EgoCarVoid,
    FourierStyle,
    LoadLabelIds,
    LoadPanopticLabels,
    LoadPseudoLabels,
    PackPanopticInputs,
    PanopticTargets,
)
from .unlabeled import UnlabeledImageDataset

__all__ = [
    'CamVidDataset',
    'CamVidImagesDataset',
    'CameraEffects',
    'CityscapesExtraDataset',
    'CityscapesFineDataset',
    'CityscapesImagesDataset',
    'CityscapesPanopticDataset',
    'CityscapesSequenceDataset',
    'ColorStatistics',
    'CounterSeededDataset',
    'DataError',
    'DomainPairDataset',
    'EgoCarRegions',
    'EgoCarVoid',
    'FolderSegDataset',
    'FourierStyle',
    'GTA5Dataset',
    'LoadLabelIds',
    'LoadPanopticLabels',
    'LoadPseudoLabels',
    'MapillaryPanopticDataset',
    'MissingDataError',
    'PackPanopticInputs',
    'PairedSegDataset',
    'PanopticSegDataset',
    'PanopticTargets',
    'PseudoLabeledDataset',
    'RareClassDataset',
    'UnlabeledImageDataset',
]
