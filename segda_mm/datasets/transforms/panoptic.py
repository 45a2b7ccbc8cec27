"""What a network that tells instances apart is trained on."""

from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform, to_tensor
from mmengine.structures import PixelData
from mmseg.datasets.transforms import PackSegInputs

from segda_mm.ops.panoptic_targets import panoptic_targets
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
class PanopticTargets(BaseTransform):
    """Make the centers, offsets and weights that Panoptic-DeepLab learns.

    Stands after everything that resizes, flips or crops. Required keys:
    ``gt_panoptic_seg``, ``thing_classes``. Adds the maps of
    :func:`segda_mm.ops.panoptic_targets.panoptic_targets`.

    Source: Cheng et al., "Panoptic-DeepLab", CVPR 2020.

    Args:
        sigma: Standard deviation of the heatmap's Gaussians in pixels of the crop.
        small_instance_area: Instances with fewer visible pixels count as small.
        small_instance_weight: Weight of their pixels in the semantic loss.
    """

    def __init__(
        self,
        sigma: float = 8.0,
        small_instance_area: int = 4096,
        small_instance_weight: float = 3.0,
    ) -> None:
        self.sigma = sigma
        self.small_instance_area = small_instance_area
        self.small_instance_weight = small_instance_weight

    def transform(self, results: dict) -> dict:
        """Add the targets and their weights to ``results``."""
        results.update(
            panoptic_targets(
                results['gt_panoptic_seg'],
                results['thing_classes'],
                self.sigma,
                self.small_instance_area,
                self.small_instance_weight,
            )
        )
        return results


@TRANSFORMS.register_module()
class PackPanopticInputs(PackSegInputs):
    """Pack an image and all that is known about its instances.

    Beside what :class:`mmseg.datasets.transforms.PackSegInputs` packs, the data
    sample gets, of those that are there, ``gt_panoptic_seg`` int32 (1, H, W),
    ``gt_center_heatmap``, ``gt_center_weight``, ``gt_offset_weight``,
    ``gt_sem_seg_weight`` float32 (1, H, W) and ``gt_offset`` float32 (2, H, W).

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
