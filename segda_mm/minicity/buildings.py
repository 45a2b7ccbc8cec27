"""Shapes of houses, one plot at a time."""

from .mesh import Mesh
from .texture_kind import TextureKind

_BUILDING = 11


def house(rng, side, depth, length, height, facade, roof):
    """A house whose street front lies at x = 0 and runs along z from 0.

    Args:
        rng (numpy.random.Generator): Source of the small choices.
        side (int): -1 left of the street, 1 right of it.
        depth (float): Metres away from the street.
        length (float): Metres along the street.
        height (float): Metres to the eaves.
        facade (sequence): RGB of the walls, 0..255.
        roof (sequence): RGB of the roof, 0..255.

    Returns:
        Mesh: All of it carries the label building.
    """
    mesh, variant = Mesh(), rng.uniform()
    x = sorted((0.0, side * depth))
    faces, inside = mesh.box(
        x,
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
        mesh.add(
            [
                (0, height, 0),
                (0, height, length),
                (half, ridge, length),
                (half, ridge, 0),
            ],
            _BUILDING,
            roof,
            TextureKind.BRICK,
            variant,
            inside,
        )
        mesh.add(
            [(0, height, 0), (half, ridge, 0), (side * depth, height, 0)],
            _BUILDING,
            ledge,
            TextureKind.PLAIN,
            variant,
            inside,
        )
    else:
        mesh.panel(front, (0, 1), (1 - 0.45 / height, 1), _BUILDING, ledge, inside)
    if rng.uniform() < 0.45:
        awning = rng.choice(
            [(150, 40, 36), (40, 84, 60), (44, 60, 110), (190, 150, 60)]
        )
        low = rng.uniform(0, 0.4) * length
        out = -side * rng.uniform(0.8, 1.3)
        mesh.add(
            [
                (0, 3.2, low),
                (0, 3.2, low + 0.5 * length),
                (out, 2.7, low + 0.5 * length),
                (out, 2.7, low),
            ],
            _BUILDING,
            awning,
        )
    return mesh
