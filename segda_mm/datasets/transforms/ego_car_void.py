from __future__ import annotations

from mmcv.transforms import BaseTransform

from segda_mm.ops.panoptic_codes import VOID_CLASS, VOID_CODE
from segda_mm.registry import TRANSFORMS

from ..ego_car import EgoCarRegions

_VOID = {'gt_seg_map': VOID_CLASS, 'gt_panoptic_seg': VOID_CODE}


@TRANSFORMS.register_module()
class EgoCarVoid(BaseTransform):
    """Make the ego car void in the labels of the frames of a snippet.

    Stands after the labels are loaded and before everything that resizes, flips or
    crops. Required keys: ``relative_path`` and ``gt_seg_map`` (void is 255) or
    ``gt_panoptic_seg`` (255000) or both, (H, W); ``annotated_path`` is used where
    there is one.

    Source: Chen et al., "Naive-Student", ECCV 2020.

    Args:
        kwargs: Arguments of :class:`segda_mm.datasets.ego_car.EgoCarRegions`.
    """

    def __init__(self, **kwargs) -> None:
        self.regions = EgoCarRegions(**kwargs)

    def transform(self, results: dict) -> dict:
        """Make the ego-car region void in the labels of ``results``."""
        present = [key for key in _VOID if key in results]
        if not present or results.get('flip'):
            raise ValueError(
                f'{results["relative_path"]} has no labels yet or was flipped already; '
                'place EgoCarVoid after what loads the labels and before RandomFlip'
            )
        region = self.regions.region(
            results['relative_path'],
            results[present[0]].shape,
            results.get('annotated_path'),
        )
        if region is None:
            return results
        for key in present:
            # What Pillow decoded is not writable.
            labels = results[key].copy()
            labels[region] = _VOID[key]
            results[key] = labels
        return results
