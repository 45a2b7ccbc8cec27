from __future__ import annotations

import numpy as np
from mmcv.transforms import to_tensor
from mmengine.structures import PixelData
from mmseg.datasets.transforms import PackSegInputs

from segda_mm.registry import TRANSFORMS

_MAPS = (
    'gt_panoptic_seg',
    'gt_center_heatmap',
    'gt_center_weight',
    'gt_offset',
    'gt_offset_weight',
    'gt_sem_seg_weight',
)


@TRANSFORMS.register_module()
class PackPanopticInputs(PackSegInputs):
    """Pack an image and all that is known about its instances.

    Beside what :class:`mmseg.datasets.transforms.PackSegInputs` packs
    (``gt_seg_map`` becomes ``gt_sem_seg``, int64 (1, H, W)), the data sample
    gets, of those that are there, ``gt_panoptic_seg`` int32 (1, H, W),
    ``gt_center_heatmap``, ``gt_center_weight``, ``gt_offset_weight``,
    ``gt_sem_seg_weight`` float32 (1, H, W) and ``gt_offset`` float32
    (2, H, W).

    Args:
        meta_keys: Keys of the results to keep as meta information.
    """

    def transform(self, results: dict) -> dict:
        """Return ``inputs`` (3, H, W) and ``data_samples``."""
        packed = super().transform(results)
        for name in _MAPS:
            if name in results:
                # A crop is a view of the whole map.
                array = np.ascontiguousarray(results[name])
                array = array[None] if array.ndim == 2 else array
                packed['data_samples'].set_data(
                    {name: PixelData(data=to_tensor(array))}
                )
        return packed
