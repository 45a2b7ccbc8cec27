"""The ground of a street, painted from the widest surface to the smallest mark."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .labels import ID
from .mesh import Color, Mesh, TextureKind
from .street import BEGIN, Street

#: Pieces get longer with the distance, so that a bend stays smooth.
_EDGES = (BEGIN, -10, 0, 8, 18, 30, 45, 65, 90, 125, 260)


def lay_ground(street: Street) -> None:
    """Lay roads, pavements, strips and marks."""
    mesh, road = Mesh(ID['road']), street.road
    asphalt, pavement = street.color('asphalt'), street.color('sidewalk')
    grass = street.color('terrain')
    _strip(mesh, -220, 220, 'terrain', grass, TextureKind.GRASS)
    for side in street.sides:
        sign = side.sign
        for (low, high), label, color, texture in (
            (side.sidewalk, 'sidewalk', pavement, TextureKind.PAVING),
            (side.verge, 'terrain', grass, TextureKind.GRASS),
            (side.rail, 'rail track', street.color('rail'), TextureKind.ASPHALT),
        ):
            if high > low:
                _strip(mesh, sign * low, sign * high, label, color, texture)
        if side.rail[1] > side.rail[0]:
            for share in (0.28, 0.72):
                x = side.rail[0] + share * 3.4
                steel = (150, 150, 152)
                _strip(mesh, sign * x, sign * (x + 0.14), 'rail track', steel)
    for begin, end in street.crossings:
        wide = (begin - 2.5, end + 2.5)
        _quad(mesh, -220, 220, *wide, 'sidewalk', pavement, TextureKind.PAVING)
        _quad(mesh, -220, 220, begin, end, 'road', asphalt, TextureKind.ASPHALT)
    _strip(mesh, -road, road, 'road', asphalt, TextureKind.ASPHALT)
    for side in street.sides:
        sign, (low, high) = side.sign, side.parking
        if high > low:
            surface = ('road', asphalt, TextureKind.ASPHALT)
            if street.rng.uniform() < 0.4:
                surface = ('parking', street.color('parking'), TextureKind.PAVING)
            _strip(mesh, sign * low, sign * high, *surface)
        kerb = street.color('kerb')
        _strip(mesh, sign * high, sign * (high + 0.18), 'sidewalk', kerb)
    _paint_marks(street, mesh)
    street.put(mesh, 0, 0, layer=0)


def _strip(
    mesh: Mesh,
    x0: float,
    x1: float,
    label: str,
    color: Color,
    texture: TextureKind = TextureKind.PLAIN,
) -> None:
    for begin, end in pairwise(_EDGES):
        _quad(mesh, x0, x1, begin, end, label, color, texture)


def _quad(
    mesh: Mesh,
    x0: float,
    x1: float,
    z0: float,
    z1: float,
    label: str,
    color: Color,
    texture: TextureKind = TextureKind.PLAIN,
) -> None:
    corners = [(x0, 0, z0), (x1, 0, z0), (x1, 0, z1), (x0, 0, z1)]
    mesh.label = ID[label]
    mesh.add(corners, color, texture)


def _paint_marks(street: Street, mesh: Mesh) -> None:
    color, road, lanes = street.color('marking'), street.road, street.lanes

    def mark(x0: float, x1: float, z0: float, z1: float) -> None:
        _quad(mesh, x0, x1, z0, z1, 'road', color)

    for x in [index * road / lanes for index in range(1 - lanes, lanes)]:
        for z in np.arange(BEGIN, 110, 8.0):
            if not street.crosses(z, z + 4):
                mark(x - 0.09, x + 0.09, z, z + 4)
    for begin, end in street.crossings:
        for z in (begin - 3.2, end + 0.4):
            for x in np.arange(-road + 0.3, road - 0.5, 1.1):
                mark(x, x + 0.55, z, z + 2.8)
        mark(0, road, begin - 4.4, begin - 4.0)
