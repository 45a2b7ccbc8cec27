from __future__ import annotations

from mmcv.transforms import BaseTransform

from segda_mm.ops.panoptic_targets import panoptic_targets
from segda_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class PanopticTargets(BaseTransform):
    """Make the centers, offsets and weights that Panoptic-DeepLab learns.

    Stands after everything that resizes, flips or crops, which would spoil
    the offsets. Required keys: ``gt_panoptic_seg``, ``thing_classes``. Adds,
    all float32: ``gt_center_heatmap``, ``gt_center_weight``,
    ``gt_offset_weight``, ``gt_sem_seg_weight`` (H, W) and ``gt_offset``
    (2, H, W), see :func:`segda_mm.ops.panoptic_targets.panoptic_targets`.

    Source: Cheng et al., "Panoptic-DeepLab", CVPR 2020.

    Args:
        sigma: Standard deviation of the heatmap's Gaussians in pixels of the
            crop.
        small_instance_area: Instances with fewer visible pixels of the crop
            count as small.
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

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(sigma={self.sigma}, '
            f'small_instance_area={self.small_instance_area}, '
            f'small_instance_weight={self.small_instance_weight})'
        )
