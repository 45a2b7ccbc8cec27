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
    there is one. Frames without a region stay as they are.

    Source: Chen et al., "Naive-Student", ECCV 2020.

    Args:
        kwargs: Arguments of :class:`segda_mm.datasets.ego_car.EgoCarRegions`.

    Raises:
        DataError: The annotated frame cannot be read or differs in size.
        ValueError: There is no label, or the image was flipped before.
    """

    def __init__(self, **kwargs) -> None:
        self.regions = EgoCarRegions(**kwargs)

    def transform(self, results: dict) -> dict:
        """Make the ego-car region void in the labels of ``results``."""
        present = [key for key in _VOID if key in results]
        if not present:
            raise ValueError(
                f'{results["relative_path"]} has neither gt_seg_map nor '
                'gt_panoptic_seg; place EgoCarVoid after LoadPseudoLabels, '
                'LoadLabelIds or LoadPanopticLabels'
            )
        if results.get('flip'):
            raise ValueError(
                f'{results["relative_path"]} was flipped already, but its ego-car '
                'region is that of the whole image as it was taken; place '
                'EgoCarVoid before RandomFlip'
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
