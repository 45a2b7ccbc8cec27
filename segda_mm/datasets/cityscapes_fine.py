from __future__ import annotations

from segda_mm.registry import DATASETS

from .formats.cityscapes_labels import CLASSES, PALETTE
from .paired_seg_dataset import PairedSegDataset


@DATASETS.register_module()
class CityscapesFineDataset(PairedSegDataset):
    """The finely annotated images of Cityscapes, with labels.

    Reads ``*_gtFine_labelIds.png`` as published and turns the label ids into
    the 19 train ids when a file is loaded; nothing has to be converted.

    Source: Cordts et al., "The Cityscapes Dataset", CVPR 2016.
    """

    METAINFO = {'classes': CLASSES, 'palette': [list(c) for c in PALETTE]}
    LABEL_TABLE = 'cityscapes'
    DATA_PREFIX = {'img_path': 'leftImg8bit/train', 'seg_map_path': 'gtFine/train'}
    IMG_SUFFIX = '_leftImg8bit.png'
    SEG_MAP_SUFFIX = '_gtFine_labelIds.png'
    IMAGES_EXPECTED = (
        'one folder per city with *_leftImg8bit.png '
        '(leftImg8bit_trainvaltest.zip of Cityscapes)'
    )
    LABELS_EXPECTED = (
        'one folder per city with *_gtFine_labelIds.png '
        '(gtFine_trainvaltest.zip of Cityscapes)'
    )
