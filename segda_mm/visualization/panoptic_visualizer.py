"""What Panoptic-DeepLab sees, side by side."""

from __future__ import annotations

import cv2
import mmcv
import numpy as np
from mmengine.dist import master_only
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer

from segda_mm.registry import VISUALIZERS
from segda_mm.visualization.panoptic_pictures import (
    colorize_offsets,
    colorize_panoptic,
    draw_centers,
    instance_borders,
    is_instance,
    locate_instances,
)

#: What is drawn of a sample.
FIELDS = ('gt_panoptic_seg', 'pred_panoptic_seg', 'pred_center_heatmap', 'pred_offset')


@VISUALIZERS.register_module()
class PanopticVisualizer(SegLocalVisualizer):
    """Draws panoptic maps, center heatmaps and offsets beside the image.

    The panels, (H, W, 3) each, as far as the sample has their field: the image;
    ``gt_panoptic_seg`` over it; ``pred_panoptic_seg`` over it;
    ``pred_center_heatmap``, with crosses where the pixels of predicted instances point
    to and circles at true centers; ``pred_offset`` (y, x) on predicted instances.
    Only the first process draws. Arguments are those of
    :class:`mmseg.visualization.SegLocalVisualizer`.
    """

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: SegDataSample | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        step: int = 0,
    ) -> None:
        """Draw one sample and hand it to ``out_file`` or the backends; see mmseg.

        Raises:
            ValueError: A map of the sample is not as large as the image.
        """
        fields = _fields(data_sample, image.shape[:2]) if data_sample else {}
        truth = fields.get('gt_panoptic_seg') if draw_gt else None
        panels = [image]
        if truth is not None:
            panels.append(self._overlay(image, truth[0]))
        if draw_pred and 'pred_panoptic_seg' in fields:
            panels += self._prediction_panels(image, fields, truth)
        picture = np.concatenate(panels, axis=1)
        if show:
            self.show(picture, win_name=name, wait_time=wait_time)
        if out_file is not None:
            mmcv.imwrite(mmcv.rgb2bgr(picture), out_file)
        else:
            self.add_image(name, picture, step)

    def _prediction_panels(
        self,
        image: np.ndarray,
        fields: dict[str, np.ndarray],
        truth: np.ndarray | None,
    ) -> list[np.ndarray]:
        codes = fields['pred_panoptic_seg'][0]
        heatmap = fields.get('pred_center_heatmap')
        offset = fields.get('pred_offset')
        panels = [self._overlay(image, codes)]
        if heatmap is not None:
            predicted = locate_instances(codes, offset).centers
            true = None if truth is None else locate_instances(truth[0]).centers
            panels.append(draw_centers(image, heatmap[0], predicted, true))
        if offset is not None:
            panels.append(colorize_offsets(offset, is_instance(codes)))
        return panels

    def _overlay(self, image: np.ndarray, codes: np.ndarray) -> np.ndarray:
        colors = colorize_panoptic(codes, self.dataset_meta['palette'])
        colors[instance_borders(codes)] = 255
        return cv2.addWeighted(image, 1 - self.alpha, colors, self.alpha, 0)


def _fields(sample: SegDataSample, size: tuple[int, int]) -> dict[str, np.ndarray]:
    """The maps to draw, (C, H, W) each."""
    fields = {}
    for name in FIELDS:
        if name not in sample:
            continue
        field = sample.get(name).data.cpu().numpy()
        if field.shape[1:] != size:
            raise ValueError(
                f'{sample.get("img_path", "an image")}: {name} is {field.shape[1:]}, '
                f'but the image is {size}. Load the labels after Resize in the test '
                'pipeline, so that truth and prediction have the size of the image'
            )
        fields[name] = field
    return fields
