"""Pictures of labels and predictions in the data set's own palette.

:class:`OverlayVisualizer` draws class maps and :class:`PanopticVisualizer`
panoptic ones; ``visualizer`` of a config names the one that fits its model, and
``tools/test.py --show-dir`` fills a folder with its pictures. What they are
composed of are functions of arrays, to be used on their own.
"""

from segda_mm.visualization.panoptic_pictures import (
    colorize_offsets,
    colorize_panoptic,
    draw_centers,
    instance_borders,
)
from segda_mm.visualization.panoptic_visualizer import PanopticVisualizer
from segda_mm.visualization.semantic import (
    OverlayVisualizer,
    colorize,
    comparison_figure,
)

__all__ = [
    'OverlayVisualizer',
    'PanopticVisualizer',
    'colorize',
    'colorize_offsets',
    'colorize_panoptic',
    'comparison_figure',
    'draw_centers',
    'instance_borders',
]
