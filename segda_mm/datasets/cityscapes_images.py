from __future__ import annotations

from segda_mm.registry import DATASETS

from .formats.cityscapes_labels import CLASSES, PALETTE
from .unlabeled import UnlabeledImageDataset


@DATASETS.register_module()
class CityscapesImagesDataset(UnlabeledImageDataset):
    """The finely annotated images of Cityscapes, without their labels.

    Args:
        images: Folder of the images, relative to ``data_root``.
        kwargs: Further arguments of :class:`UnlabeledImageDataset`.
    """

    METAINFO = {'classes': CLASSES, 'palette': [list(c) for c in PALETTE]}
    SUFFIXES = ('_leftImg8bit.png',)
    IMAGES_EXPECTED = (
        'one folder per city with *_leftImg8bit.png '
        '(leftImg8bit_trainvaltest.zip of Cityscapes)'
    )

    def __init__(self, images: str = 'leftImg8bit/train', **kwargs) -> None:
        super().__init__(images=images, **kwargs)
