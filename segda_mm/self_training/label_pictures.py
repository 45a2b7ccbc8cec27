"""The labels of the same frames, round by round, in one figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from segda_mm.visualization import colorize, colorize_panoptic

#: Inches of one panel.
PANEL_WIDTH = 3.2

#: Frames of a set that are shown.
NUM_FRAMES = 4


def spread(names: Sequence[str], count: int = NUM_FRAMES) -> list[str]:
    """``count`` names, evenly spread over the sorted ones; fewer if there are."""
    names = sorted(names)
    places = np.linspace(0, len(names) - 1, min(count, len(names)))
    return [names[round(place)] for place in places]


def paint_labels(sample: Mapping, palette: Sequence) -> np.ndarray:
    """Labels in colours, instances in shades.

    Args:
        sample: With ``gt_panoptic_seg`` or ``gt_seg_map``, each (H, W).
        palette: RGB of the classes, (num_classes, 3) in [0, 255].

    Returns:
        (H, W, 3) uint8 RGB.
    """
    if 'gt_panoptic_seg' in sample:
        return colorize_panoptic(sample['gt_panoptic_seg'], palette)
    return colorize(sample['gt_seg_map'], palette)


def rounds_figure(
    images: Sequence[np.ndarray], columns: Mapping[str, Sequence[np.ndarray | None]]
) -> Figure:
    """Draw a row for every frame: the image, then a column for each title.

    Args:
        images: RGB images, each (H, W, 3) uint8.
        columns: Title -> RGB pictures, as many as images; None leaves a panel
            empty.

    Returns:
        A figure with its own canvas (``figure.savefig(path)``).
    """
    height, width = images[0].shape[:2]
    columns = {'image': images, **columns}
    size = (
        PANEL_WIDTH * len(columns),
        PANEL_WIDTH * height / width * len(images) + 0.3,
    )
    figure = Figure(figsize=size, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(images), len(columns), squeeze=False)
    for column, (title, pictures) in enumerate(columns.items()):
        axes[0, column].set_title(title, fontsize=9)
        for row, picture in enumerate(pictures):
            axes[row, column].set_axis_off()
            if picture is not None:
                axes[row, column].imshow(picture, interpolation='nearest')
    return figure
