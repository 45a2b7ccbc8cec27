from .camvid import CamVidDataset
from .camvid_images import CamVidImagesDataset
from .cityscapes_extra import CityscapesExtraDataset
from .cityscapes_fine import CityscapesFineDataset
from .cityscapes_images import CityscapesImagesDataset
from .cityscapes_sequence import CityscapesSequenceDataset
from .counter_seeded import CounterSeededDataset
from .domain_pair import DomainPairDataset
from .errors import DataError, MissingDataError
from .folder_seg_dataset import FolderSegDataset
from .gta5 import GTA5Dataset
from .paired_seg_dataset import PairedSegDataset
from .transforms import LoadLabelIds, LoadPseudoLabels
from .unlabeled import UnlabeledImageDataset

__all__ = [
    'CamVidDataset',
    'CamVidImagesDataset',
    'CityscapesExtraDataset',
    'CityscapesFineDataset',
    'CityscapesImagesDataset',
    'CityscapesSequenceDataset',
    'CounterSeededDataset',
    'DataError',
    'DomainPairDataset',
    'FolderSegDataset',
    'GTA5Dataset',
    'LoadLabelIds',
    'LoadPseudoLabels',
    'MissingDataError',
    'PairedSegDataset',
    'UnlabeledImageDataset',
]
