"""Pictures of labels and predictions in the data set's own palette.

A config's ``visualizer`` is :class:`OverlayVisualizer` or
:class:`PanopticVisualizer`; the functions serve on their own.
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
