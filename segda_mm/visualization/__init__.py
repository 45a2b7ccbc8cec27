"""Pictures of labels and predictions in the data set's own palette.

:class:`OverlayVisualizer` draws class maps and :class:`PanopticVisualizer`
panoptic ones; ``visualizer`` of a config names the one that fits its model, and
``tools/test.py --show-dir`` fills a folder with its pictures. What they are
composed of are functions of arrays, to be used on their own.
"""

from .center_view import draw_centers
from .colorize import colorize
from .comparison import comparison_figure
from .offset_view import colorize_offsets
from .overlay_visualizer import OverlayVisualizer
from .panoptic_colors import colorize_panoptic, instance_borders
from .panoptic_visualizer import PanopticVisualizer

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
