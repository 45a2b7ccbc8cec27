"""Pictures of labels and predictions in the data set's own palette."""

from .colorize import colorize
from .comparison import comparison_figure
from .overlay_visualizer import OverlayVisualizer

__all__ = ['OverlayVisualizer', 'colorize', 'comparison_figure']
