"""Pictures of class maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer

from segda_mm.registry import VISUALIZERS


def colorize(labels: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Paint a class map (H, W) in an RGB palette, as uint8; unknown ids are black."""
    table = np.zeros((256, 3), np.uint8)
    table[: len(palette)] = palette
    return table[labels]


#: Inches of one panel; a figure of 7 columns is then a page wide.
PANEL_WIDTH = 2.6
LEGEND_HEIGHT = 0.9


def comparison_figure(
    images: Sequence[np.ndarray],
    truths: Sequence[np.ndarray],
    predictions: Mapping[str, Sequence[np.ndarray]],
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
) -> Figure:
    """Draw rows of image, truth and every method's prediction, without a display.

    Args:
        images: RGB images, each (H, W, 3) uint8.
        truths: Their class maps, each (H, W) with void 255.
        predictions: Class maps, as many as images, by the title of the column.
        classes, palette: Names for the legend, and their RGB in [0, 255].
    """
    columns = {'image': images, 'truth': truths, **predictions}
    rows, (height, width) = len(images), images[0].shape[:2]
    page_height = PANEL_WIDTH * height / width * rows + LEGEND_HEIGHT
    size = PANEL_WIDTH * len(columns), page_height
    figure = Figure(figsize=size, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, len(columns), squeeze=False)
    for column, (title, maps) in enumerate(columns.items()):
        axes[0, column].set_title(title, fontsize=9)
        for row, picture in enumerate(maps):
            if title != 'image':
                picture = colorize(picture, palette)
            axes[row, column].imshow(picture, interpolation='nearest')
            axes[row, column].set_axis_off()
    handles = [
        Patch(facecolor=np.array(color) / 255, edgecolor='0.5', label=name)
        for name, color in zip(classes, palette, strict=True)
    ]
    handles.append(Patch(facecolor='black', label='void'))
    place = dict(loc='outside lower center', ncols=min(len(handles), 10))
    figure.legend(handles=handles, **place, fontsize=8, frameon=False)
    return figure


@VISUALIZERS.register_module()
class OverlayVisualizer(SegLocalVisualizer):
    """mmseg's visualizer, with the bare image left of truth and prediction.

    Void stays uncoloured. The image takes the size that was evaluated at. Only the
    first process draws.
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
        if data_sample is not None and 'ori_shape' in data_sample:
            height, width = data_sample.ori_shape[:2]
            if image.shape[:2] != (height, width):
                image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        super().add_datasample(
            name, image, data_sample, *args, with_image=with_image, **kwargs
        )
