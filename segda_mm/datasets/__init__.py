from segda_mm.errors import DataError, MissingDataError

from .camvid import CamVidDataset
from .camvid_images import CamVidImagesDataset
from .cityscapes_extra import CityscapesExtraDataset
from .cityscapes_fine import CityscapesFineDataset
from .cityscapes_images import CityscapesImagesDataset
from .cityscapes_panoptic import CityscapesPanopticDataset
from .cityscapes_sequence import CityscapesSequenceDataset
from .counter_seeded import CounterSeededDataset
from .domain_pair import DomainPairDataset
from .ego_car import EgoCarRegions
from .folder_seg_dataset import FolderSegDataset
from .gta5 import GTA5Dataset
from .mapillary_panoptic import MapillaryPanopticDataset
from .paired_seg_dataset import PairedSegDataset
from .panoptic_seg_dataset import PanopticSegDataset
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
