from __future__ import annotations

from segda_mm.registry import DATASETS

from .cityscapes_images import CityscapesImagesDataset


@DATASETS.register_module()
class CityscapesExtraDataset(CityscapesImagesDataset):
    """The 20,000 further images of Cityscapes, without labels.

    Their coarse annotations are not used.

    Args:
        images: Folder of the images, relative to ``data_root``.
        kwargs: Further arguments of :class:`UnlabeledImageDataset`.
    """

    IMAGES_EXPECTED = (
        'one folder per city with *_leftImg8bit.png '
        '(leftImg8bit_trainextra.zip of Cityscapes)'
    )

    def __init__(self, images: str = 'leftImg8bit/train_extra', **kwargs) -> None:
        super().__init__(images=images, **kwargs)
