from __future__ import annotations

from segda_mm.registry import DATASETS

from .base import PairedSegDataset
from .formats.cityscapes_labels import METAINFO
from .formats.label_files import SYNTHIA_CLASSES


@DATASETS.register_module()
class SYNTHIADataset(PairedSegDataset):
    """SYNTHIA-RAND-CITYSCAPES, rendered streets, with 16 of the classes of Cityscapes.

    Terrain, truck and train, which it hardly shows, are void.
    ``data_root/GT/LABELS/0000000.png`` is the label file of
    ``data_root/RGB/0000000.png``: as published, its three channels have 16 bits, of
    which the first holds class ids and the second instances.

    Source: Ros et al., "The SYNTHIA Dataset", CVPR 2016.
    """

    METAINFO = dict(
        classes=SYNTHIA_CLASSES,
        palette=[
            METAINFO['palette'][METAINFO['classes'].index(name)]
            for name in SYNTHIA_CLASSES
        ],
    )
    LABEL_TABLE = 'synthia'
    DATA_PREFIX = dict(img_path='RGB', seg_map_path='GT/LABELS')
    IMAGES_EXPECTED = 'the images 0000000.png, ... of SYNTHIA-RAND-CITYSCAPES'
    LABELS_EXPECTED = (
        'the label files 0000000.png, ... of SYNTHIA-RAND-CITYSCAPES (GT/LABELS): PNGs '
        'of three 16-bit channels'
    )
