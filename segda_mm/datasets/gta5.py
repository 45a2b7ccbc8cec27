from __future__ import annotations

from segda_mm.registry import DATASETS

from .base import PairedSegDataset
from .formats.cityscapes_labels import METAINFO


@DATASETS.register_module()
class GTA5Dataset(PairedSegDataset):
    """GTA5, rendered street scenes with the label ids of Cityscapes.

    ``data_root/images/00001.png`` is an RGB image (1914x1052 as published),
    ``data_root/labels/00001.png`` its label file. A few published labels differ
    in size from their image; ``exclude`` leaves them out.

    Source: Richter et al., "Playing for Data", ECCV 2016.
    """

    METAINFO = METAINFO
    LABEL_TABLE = 'gta5'
    IMAGES_EXPECTED = (
        'the images 00001.png, 00002.png, ... of GTA5 ("Playing for Data")'
    )
    LABELS_EXPECTED = (
        'the label files 00001.png, 00002.png, ... of GTA5: '
        'palette PNGs of Cityscapes label ids'
    )
