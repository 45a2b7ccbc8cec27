"""What stands behind the pavement: houses, parks, walls and fences."""

from __future__ import annotations

from functools import partial

import numpy as np

from . import street_furniture
from .labels import ID
from .mesh import Mesh, TextureKind
from .street import BEGIN, END, Side, Street

#: Label, material and texture of a barrier, and its thickness in metres.
_BARRIERS = {
    'wall': ('wall', 'wall', TextureKind.BRICK),
    'fence': ('fence', 'fence', TextureKind.SLATS),
    'hedge': ('vegetation', 'leaf', TextureKind.FOLIAGE),
}

_AWNINGS = [(150, 40, 36), (40, 84, 60), (44, 60, 110), (190, 150, 60)]


def build_plots(street: Street, side: Side) -> None:
    """Fill one side with plots of the kinds of the layout."""
    rng, kinds = street.rng, street.layout.plots
    names = list(kinds)
    weights = np.array([kinds[name] for name in names], float)
    z = BEGIN
    while z < END:
        length = rng.uniform(9, 22)
        blocked = [
            b for b in street.crossings if z < b[1] + 2.5 and z + length > b[0] - 2.5
        ]
        if blocked:
            length = blocked[0][0] - 2.5 - z
            if length < 4:
                z = blocked[0][1] + 2.5
                continue
        kind = names[rng.choice(len(names), p=weights / weights.sum())]
        _PLOTS[kind](street, side, z, length)
        z += length + (rng.uniform(1, 4) if rng.uniform() < 0.2 else 0)


def build_backdrop(street: Street) -> None:
    """Put houses and woods where the street ends for the eye."""
    rng, x = street.rng, -200.0
    while x < 200:
        width, height = rng.uniform(12, 35), rng.uniform(5, 17)
        label, material, texture = (
            ('building', 'facade', TextureKind.FACADE)
            if rng.uniform() < 0.5
            else ('vegetation', 'leaf', TextureKind.FOLIAGE)
        )
        mesh, color = Mesh(ID[label]), street.color(material)
        mesh.upright((0, width), (0, height), 0, color, texture, rng.uniform())
        street.put(mesh, x, 200.0, layer=1)
        x += width


def _building(street: Street, side: Side, z: float, length: float) -> None:
    rng = street.rng
    if rng.uniform() >= 0.2:
        _house(street, side, z, length, 0.0)
        return
    _house(street, side, z, length, 4.0)
    _trees(street, side, z, length, (1.2, 2.8), 1)
    if rng.uniform() < 0.6:
        # A low barrier towards the pavement.
        kind = rng.choice(['wall', 'fence', 'hedge'])
        size = dict(
            wall=((1.0, 1.5), 0.3), fence=((1.1, 1.7), 0.06), hedge=((1.0, 1.8), 0.8)
        )[kind]
        _barrier(street, side, z, length, kind, size)


def _park(street: Street, side: Side, z: float, length: float) -> None:
    rng = street.rng
    _hedge(street, side, z, length, rng.uniform(14, 26))
    _trees(street, side, z, length, (2.0, 12.0), int(rng.integers(2, 5)))
    for _ in range(int(rng.integers(0, 4))):
        bush = street_furniture.bush(rng, street.color('leaf'), rng.uniform(0.8, 1.6))
        x = side.sign * (side.line + rng.uniform(1, 6))
        street.put(bush, x, z + rng.uniform(0, length), layer=1)


def _bounded(
    street: Street, side: Side, z: float, length: float, kind: str, share: float
) -> None:
    """A house or, from ``share`` on, a hedge, with trees, behind a wall or a fence."""
    setback, depth, trees, size = dict(
        wall=(7.0, 5.0, 2, ((1.6, 3.2), 0.4)), fence=(8.0, 6.0, 1, ((1.5, 2.5), 0.08))
    )[kind]
    if street.rng.uniform() < share:
        _house(street, side, z, length, setback)
    else:
        _hedge(street, side, z, length, setback + 2.0)
    _trees(street, side, z, length, (2.0, depth), trees)
    _barrier(street, side, z, length, kind, size)


_PLOTS = dict(
    building=_building,
    park=_park,
    wall=partial(_bounded, kind='wall', share=0.5),
    fence=partial(_bounded, kind='fence', share=0.4),
)


def _house(street: Street, side: Side, z: float, length: float, setback: float) -> None:
    rng = street.rng
    height = rng.uniform(*street.layout.building_height)
    x = side.sign * (side.line + setback)
    depth = rng.uniform(12, 18)
    facade, roof = street.color('facade'), street.color('roof')
    # The street front lies at x = 0 and runs along z from 0.
    mesh, variant = Mesh(ID['building']), rng.uniform()
    across, wall = sorted((0.0, side.sign * depth)), (TextureKind.FACADE, variant)
    body = mesh.box(across, (0, height), (0, length), facade, *wall)
    ledge = [0.72 * value for value in facade]
    front = 'left' if side.sign > 0 else 'right'
    body.panel(front, (0, 1), (0, 0.5 / height), ledge)
    if height < 14 and rng.uniform() < 0.65:
        ridge, half = height + rng.uniform(2, 4), side.sign * depth / 2
        eaves = (0, height, 0), (0, height, length)
        slope = (*eaves, (half, ridge, length), (half, ridge, 0))
        mesh.add(slope, roof, TextureKind.BRICK, variant, body.inside)
        gable = (eaves[0], (half, ridge, 0), (side.sign * depth, height, 0))
        mesh.add(gable, ledge, TextureKind.PLAIN, variant, body.inside)
    else:
        body.panel(front, (0, 1), (1 - 0.45 / height, 1), ledge)
    if rng.uniform() < 0.45:
        awning = rng.choice(_AWNINGS)
        low = rng.uniform(0, 0.4) * length
        high = low + 0.5 * length
        out = -side.sign * rng.uniform(0.8, 1.3)
        wall_side = (0, 3.2, low), (0, 3.2, high)
        mesh.add([*wall_side, (out, 2.7, high), (out, 2.7, low)], awning)
    street.put(mesh, x, z, layer=1)
    street.shaded_sides.append((side.sign, x, z, z + length, height))


def _trees(
    street: Street, side: Side, z: float, length: float, setback: tuple, count: int
) -> None:
    rng = street.rng
    for _ in range(count):
        x = side.sign * (side.line + rng.uniform(*setback))
        leaf, bark = street.color('leaf'), street.color('bark')
        tree = street.tree(leaf, bark, rng.uniform(0.8, 1.6))
        street.put(tree, x, z + rng.uniform(0.1, 0.9) * length, layer=1)


def _hedge(street: Street, side: Side, z: float, length: float, setback: float) -> None:
    rng, mesh = street.rng, Mesh(ID['vegetation'])
    x, y = sorted((0.0, 4.0 * side.sign)), (0, rng.uniform(4, 8))
    surface = (street.color('leaf'), TextureKind.FOLIAGE, rng.uniform())
    mesh.box(x, y, (0, length), *surface)
    street.put(mesh, side.sign * (side.line + setback), z + 0.01, layer=1)


def _barrier(
    street: Street, side: Side, z: float, length: float, kind: str, size: tuple
) -> None:
    heights, thickness = size
    label, material, texture = _BARRIERS[kind]
    height = street.rng.uniform(*heights)
    color, variant = street.color(material), street.rng.uniform()
    pieces = max(1, round(length / 6))
    piece = length / pieces
    for index in range(pieces):
        mesh, half = Mesh(ID[label]), thickness / 2
        mesh.box((-half, half), (0, height), (0, piece), color, texture, variant)
        x = side.sign * (side.line + 0.2)
        street.put(mesh, x, z + index * piece, layer=1)
