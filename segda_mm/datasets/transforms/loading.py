from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform

from segda_mm.ops.panoptic_codes import LABEL_DIVISOR
from segda_mm.registry import TRANSFORMS

from ..formats.panoptic_labels import read_panoptic_codes


@TRANSFORMS.register_module()
class LoadPanopticLabels(BaseTransform):
    """Load a label file that tells instances apart.

    The files are those of the data set as published: instance-id PNGs of
    Cityscapes or COCO-panoptic PNGs of Mapillary Vistas.

    Required keys: ``seg_map_path``, ``thing_classes``, ``ori_shape`` and
    ``img_path`` (so it stands after ``LoadImageFromFile``). Adds
    ``gt_panoptic_seg``, panoptic codes (:mod:`segda_mm.ops.panoptic_codes`),
    int32 (H, W), and ``gt_seg_map``, train ids, uint8 (H, W), 255 where void.
    The names of both are added to ``seg_fields``, so that what resizes, flips
    or crops the image does the same to them.

    Raises:
        DataError: The file cannot be read, is of another kind (8-bit label
            ids, colours), differs in size from the image, or has ids that
            are not known.
        ValueError: The data set is none with instances.
    """

    def transform(self, results: dict) -> dict:
        """Add ``gt_panoptic_seg`` and ``gt_seg_map`` to ``results``."""
        codes = read_panoptic_codes(results, results['ori_shape'][:2])
        results['gt_panoptic_seg'] = codes
        results['gt_seg_map'] = (codes // LABEL_DIVISOR).astype(np.uint8)
        results['seg_fields'].extend(['gt_panoptic_seg', 'gt_seg_map'])
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
