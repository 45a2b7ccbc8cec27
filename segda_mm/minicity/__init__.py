"""The built-in miniature world: streets drawn from a seed.

It writes the on-disk formats of GTA5 and of Cityscapes, so that everything
can be tried before the real data sets are there.
"""

from .renderer import Frame, render_frame
from .writers import write_cityscapes, write_gta5

__all__ = ['Frame', 'render_frame', 'write_cityscapes', 'write_gta5']
