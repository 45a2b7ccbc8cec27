from __future__ import annotations

from segda_mm.registry import DATASETS

from .cityscapes_fine import CityscapesFineDataset
from .formats.cityscapes_labels import CLASSES, LABEL_IDS, PALETTE, THING_CLASSES
from .panoptic_seg_dataset import PanopticSegDataset


@DATASETS.register_module()
class CityscapesPanopticDataset(PanopticSegDataset):
    """The finely annotated images of Cityscapes, with instances.

    Reads ``*_gtFine_instanceIds.png`` as published: 11 stuff and 8 thing
    classes; nothing has to be converted.

    Source: Cordts et al., "The Cityscapes Dataset", CVPR 2016.
    """

    METAINFO = {
        'classes': CLASSES,
        'palette': [list(c) for c in PALETTE],
        'thing_classes': list(THING_CLASSES),
        'label_ids': list(LABEL_IDS),
    }
    DATA_PREFIX = CityscapesFineDataset.DATA_PREFIX
    IMG_SUFFIX = CityscapesFineDataset.IMG_SUFFIX
    SEG_MAP_SUFFIX = '_gtFine_instanceIds.png'
    IMAGES_EXPECTED = CityscapesFineDataset.IMAGES_EXPECTED
    LABELS_EXPECTED = (
        'one folder per city with *_gtFine_instanceIds.png '
        '(gtFine_trainvaltest.zip of Cityscapes)'
    )
