from __future__ import annotations

import os.path as osp

from segda_mm.registry import DATASETS

from .cityscapes_panoptic import CityscapesPanopticDataset


@DATASETS.register_module()
class CityscapesPseudoPanopticDataset(CityscapesPanopticDataset):
    """Unlabelled images of Cityscapes with pseudo labels of a teacher.

    A pseudo label is an instance-id PNG of 16 bits (see
    :func:`segda_mm.datasets.cityscapes_instances.instance_ids_from_codes`)
    at the path of its image, below the folder of the labels. Every image
    needs one.

    Source: Chen et al., "Naive-Student", ECCV 2020.

    Args:
        images: Folder of the images, relative to ``data_root``:
            ``'leftImg8bit_sequence/train'`` or ``'leftImg8bit/train_extra'``.
        labels: Folder of the pseudo labels, relative to the working
            directory.
        data_root: Root of Cityscapes.
        kwargs: Further arguments of :class:`CityscapesPanopticDataset`.
    """

    SEG_MAP_SUFFIX = '_leftImg8bit.png'
    IMAGES_EXPECTED = (
        'one folder per city with *_leftImg8bit.png '
        '(leftImg8bit_sequence_trainvaltest.zip, leftImg8bit_trainextra.zip or '
        'leftImg8bit_trainvaltest.zip of Cityscapes)'
    )
    LABELS_EXPECTED = (
        'pseudo labels: for every image the 16-bit PNG of instance ids of the same '
        'name, in the same folder per city'
    )

    def __init__(
        self, images: str, labels: str, data_root: str | None = None, **kwargs
    ) -> None:
        prefix = {
            'img_path': osp.join(data_root or '', images),
            'seg_map_path': labels,
        }
        super().__init__(data_prefix=prefix, **kwargs)
