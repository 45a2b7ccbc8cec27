"""Shapes of houses, one plot at a time."""

from __future__ import annotations

import numpy as np

from .labels import ID
from .mesh import Color, Mesh, TextureKind

_BUILDING = ID['building']


def house(
    rng: np.random.Generator,
    side: int,
    depth: float,
    length: float,
    height: float,
    facade: Color,
    roof: Color,
) -> Mesh:
    """A house whose street front lies at x = 0 and runs along z from 0.

    Args:
        rng: Source of the small choices.
        side: -1 left of the street, 1 right of it.
        depth: Metres away from the street.
        length: Metres along the street.
        height: Metres to the eaves.
        facade: RGB of the walls, 0..255.
        roof: RGB of the roof, 0..255.

    Returns:
        A mesh that carries the label building alone.
    """
    mesh, variant = Mesh(), rng.uniform()
    faces, inside = mesh.box(
        sorted((0.0, side * depth)),
        (0, height),
        (0, length),
        _BUILDING,
        facade,
        texture=TextureKind.FACADE,
        variant=variant,
    )
    ledge = [0.72 * value for value in facade]
    front = faces['left' if side > 0 else 'right']
    mesh.panel(front, (0, 1), (0, 0.5 / height), _BUILDING, ledge, inside)
    if height < 14 and rng.uniform() < 0.65:
        ridge, half = height + rng.uniform(2, 4), side * depth / 2
        eaves = (0, height, 0), (0, height, length)
        slope = (*eaves, (half, ridge, length), (half, ridge, 0))
        mesh.add(slope, _BUILDING, roof, TextureKind.BRICK, variant, inside)
        gable = (eaves[0], (half, ridge, 0), (side * depth, height, 0))
        mesh.add(gable, _BUILDING, ledge, TextureKind.PLAIN, variant, inside)
    else:
        mesh.panel(front, (0, 1), (1 - 0.45 / height, 1), _BUILDING, ledge, inside)
    if rng.uniform() < 0.45:
        awning = rng.choice(
            [(150, 40, 36), (40, 84, 60), (44, 60, 110), (190, 150, 60)]
        )
        low = rng.uniform(0, 0.4) * length
        high = low + 0.5 * length
        out = -side * rng.uniform(0.8, 1.3)
        mesh.add(
            [(0, 3.2, low), (0, 3.2, high), (out, 2.7, high), (out, 2.7, low)],
            _BUILDING,
            awning,
        )
    return mesh
