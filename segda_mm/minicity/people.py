"""Shapes of people: walking on foot and sitting on two wheels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .labels import ID
from .mesh import Color, Mesh

_SHOE = (32, 30, 30)


class Walker:
    """A person on foot whose legs swing with the time.

    Args:
        colors: RGB of 'skin', 'hair', 'top' and 'trousers'.
        height: Metres.
        pace: Steps per second; 0 stands still.
        phase: Radians of the swing at time zero.
    """

    def __init__(
        self, colors: Mapping[str, Color], height: float, pace: float, phase: float
    ) -> None:
        self.colors = colors
        self.height = height
        self.pace = pace
        self.phase = phase

    def __call__(self, time: float) -> Mesh:
        """The shape at ``time`` in seconds."""
        swing = 0.0
        if self.pace:
            swing = 0.16 * np.sin(self.phase + 2 * np.pi * self.pace * time)
        mesh, h = Mesh(ID['person']), self.height / 1.75
        colors = self.colors

        def part(color: Color, *corners: tuple[float, float]) -> None:
            mesh.add([(h * x, h * y, 0) for x, y in corners], color)

        def limb(color: Color, top: tuple, bottom: tuple) -> None:
            """From (x, half width, y) to the same below."""
            (x, a, y), (u, b, v) = top, bottom
            part(color, (x - a, y), (x + a, y), (u + b, v), (u - b, v))

        for side, step in ((-1, swing), (1, -swing)):
            hip, foot = side * 0.11, side * 0.12 + step
            limb(colors['trousers'], (hip, 0.1, 0.88), (foot, 0.075, 0.06))
            limb(_SHOE, (foot, 0.09, 0.09), (foot, 0.1, 0.0))
        for side, step in ((-1, -swing), (1, swing)):
            hand = side * 0.31 + 0.5 * step
            part(
                _sleeve(colors),
                (side * 0.17, 1.44),
                (side * 0.27, 1.4),
                (hand + 0.05, 0.86),
                (hand - 0.05, 0.86),
            )
            mesh.disk((h * hand, h * 0.84, 0), h * 0.06, 'z', colors['skin'], 6)
        part(
            colors['top'],
            (-0.19, 0.84),
            (0.19, 0.84),
            (0.25, 1.4),
            (0.12, 1.5),
            (-0.12, 1.5),
            (-0.25, 1.4),
        )
        mesh.disk((0, h * 1.6, 0), h * 0.125, 'z', colors['hair'], 10)
        mesh.disk((0, h * 1.57, 0), h * 0.1, 'z', colors['skin'], 8)
        return mesh


def seated_rider(mesh: Mesh, colors: Mapping[str, Color], saddle: float) -> None:
    """Add a rider to the mesh of a bicycle or motorcycle.

    ``colors`` are those of :class:`Walker` and 'helmet'; ``saddle`` is the height of
    the seat in metres.
    """
    y, mesh.label = saddle, ID['rider']

    def part(color: Color, bottom: tuple, top: tuple) -> None:
        mesh.hexahedron(bottom, top, color)

    for x in (-0.17, 0.17):
        part(
            colors['trousers'],
            (x - 0.07, x + 0.07, 0.0, 0.16, y - 0.6),
            (x - 0.1, x + 0.1, -0.2, 0.14, y + 0.06),
        )
    part(
        colors['top'],
        (-0.2, 0.2, -0.36, -0.06, y - 0.02),
        (-0.25, 0.25, -0.12, 0.18, y + 0.56),
    )
    for x in (-0.29, 0.29):
        part(
            _sleeve(colors),
            (x - 0.05, x + 0.05, 0.28, 0.42, y + 0.1),
            (x - 0.06, x + 0.06, -0.04, 0.14, y + 0.52),
        )
    part(
        colors['skin'],
        (-0.09, 0.09, 0.02, 0.2, y + 0.56),
        (-0.1, 0.1, 0.02, 0.24, y + 0.72),
    )
    part(
        colors['helmet'],
        (-0.13, 0.13, -0.03, 0.25, y + 0.7),
        (-0.08, 0.08, 0.02, 0.2, y + 0.86),
    )


def _sleeve(colors: Mapping[str, Color]) -> list[float]:
    return [0.82 * value for value in colors['top']]
