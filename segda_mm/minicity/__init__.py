"""The built-in miniature world: streets drawn from a seed.

It writes the on-disk formats of GTA5 and of Cityscapes, so that everything
can be tried before the real data sets are there.
"""

from .cityscapes_writer import write_cityscapes
from .contact_sheet import contact_sheet
from .frame import Frame
from .gta5_writer import write_gta5
from .renderer import render_frame

__all__ = ['Frame', 'contact_sheet', 'render_frame', 'write_cityscapes', 'write_gta5']
