"""Image, truth and prediction side by side."""

from __future__ import annotations

import numpy as np
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer

from segda_mm.registry import VISUALIZERS


@VISUALIZERS.register_module()
class OverlayVisualizer(SegLocalVisualizer):
    """mmseg's visualizer, with the bare image left of truth and prediction.

    ``SegVisualizationHook`` cannot ask for the image, so this visualizer adds
    it by default: (H, W, 3) uint8 RGB becomes (H, 3 W, 3) with ground truth
    and (H, 2 W, 3) without. Classes and palette are those of the data set
    that the loop evaluates; void stays uncoloured. In several processes only
    the first one's share of the images is drawn.

    Takes the arguments of :class:`mmseg.visualization.SegLocalVisualizer`.
    """

    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: SegDataSample | None = None,
        *args,
        with_image: bool = True,
        **kwargs,
    ) -> None:
        """Draw one sample and hand it to the backends; see mmseg."""
        super().add_datasample(
            name, image, data_sample, *args, with_image=with_image, **kwargs
        )
