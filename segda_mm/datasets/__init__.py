from segda_mm.errors import DataError, MissingDataError

from . import transforms
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
from .own_data import DrawnStreetsDataset, FootageDataset, MaskedImagesDataset
from .pseudo_labeled import PseudoLabeledDataset
from .rare_class import RareClassDataset
from .synthia import SYNTHIADataset
from .transforms import *  # noqa: F403
from .unlabeled import UnlabeledImageDataset

__all__ = [
    'CamVidDataset',
    'CamVidImagesDataset',
    'CityscapesExtraDataset',
    'CityscapesFineDataset',
    'CityscapesImagesDataset',
    'CityscapesPanopticDataset',
    'CityscapesSequenceDataset',
    'CounterSeededDataset',
    'DataError',
    'DomainPairDataset',
    'DrawnStreetsDataset',
    'EgoCarRegions',
    'FolderSegDataset',
    'FootageDataset',
    'GTA5Dataset',
    'MapillaryPanopticDataset',
    'MaskedImagesDataset',
    'MissingDataError',
    'PairedSegDataset',
    'PanopticSegDataset',
    'PseudoLabeledDataset',
    'RareClassDataset',
    'SYNTHIADataset',
    'UnlabeledImageDataset',
]
__all__ += transforms.__all__
