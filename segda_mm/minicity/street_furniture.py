"""Shapes that stand along a street: poles, lights, signs, trees, barriers."""

from __future__ import annotations

import numpy as np

from .labels import ID
from .mesh import Color, Mesh, TextureKind

_POLE, _VEGETATION = ID['pole'], ID['vegetation']


def _pole(mesh: Mesh, half: float, height: float, color: Color) -> None:
    mesh.box((-half, half), (0, height), (-half, half), color)


def lamp_post(rng: np.random.Generator, color: Color, side: int) -> Mesh:
    """A street lamp whose arm reaches over the road; ``side`` is -1 left of it."""
    mesh, height = Mesh(_POLE), rng.uniform(5.5, 8.0)
    _pole(mesh, 0.11, height, color)
    reach = sorted((0.0, -side * rng.uniform(1.2, 2.0)))
    mesh.box(reach, (height - 0.12, height), (-0.06, 0.06), color)
    tip, lamp = -side * max(np.abs(reach)), (height - 0.26, height - 0.08)
    mesh.box((tip - 0.35, tip + 0.35), lamp, (-0.14, 0.14), (215, 212, 195))
    return mesh


def traffic_light(rng: np.random.Generator, color: Color) -> Mesh:
    """A signal with three lamps on a pole."""
    mesh, height = Mesh(_POLE), rng.uniform(2.7, 3.4)
    _pole(mesh, 0.09, height + 0.2, color)
    mesh.label = ID['traffic light']
    housing = (height - 0.95, height + 0.25)
    mesh.box((-0.28, 0.28), housing, (-0.3, -0.05), (26, 28, 27))
    lit = int(rng.integers(3))
    lamps = (
        ((255, 60, 40), (70, 20, 18)),
        ((255, 190, 50), (74, 56, 16)),
        ((70, 240, 130), (16, 66, 40)),
    )
    for index, (bright, dim) in enumerate(lamps):
        centre = (0, height + 0.05 - 0.38 * index, -0.31)
        mesh.disk(centre, 0.15, 'z', bright if index == lit else dim)
    return mesh


def traffic_sign(rng: np.random.Generator, color: Color) -> Mesh:
    """A round, three-cornered, square or wide sign on a pole."""
    mesh, kind = Mesh(_POLE), int(rng.integers(4))
    height = rng.uniform(2.1, 2.9)
    _pole(mesh, 0.06, height, color)
    mesh.label = ID['traffic sign']
    red, white, blue = (205, 32, 36), (240, 240, 236), (30, 80, 180)
    z = -0.08

    def plate(x: float, y: float, paint: Color) -> None:
        mesh.upright((-x, x), (height - y, height + y), z, paint)

    if kind == 0:
        for radius, paint in ((0.45, red), (0.32, white)):
            mesh.disk((0, height, z), radius, 'z', paint, 14)
        plate(0.2, 0.06, (30, 30, 30))
    elif kind == 1:
        for size, paint in ((0.52, red), (0.32, white)):
            low, high = height - 0.55 * size, height + 1.15 * size
            mesh.add([(-size, low, z), (size, low, z), (0, high, z)], paint)
    else:
        half = (0.42, 0.42) if kind == 2 else (0.95, 0.38)
        paint = blue if kind == 2 else (240, 205, 40)
        for shrink, tint in ((1.0, white), (0.88, paint), (0.4, white)):
            plate(shrink * half[0], shrink * half[1], tint)
    return mesh


def pole_group(rng: np.random.Generator, color: Color) -> Mesh:
    """Three posts side by side, the group that is not evaluated."""
    mesh = Mesh(ID['polegroup'])
    for x in (-0.3, 0.0, 0.28):
        height = (0, rng.uniform(2.5, 6))
        mesh.box((x - 0.07, x + 0.07), height, (-0.07, 0.07), color)
    return mesh


def _blob(
    rng: np.random.Generator, centre: tuple, radius: tuple, corners: int = 18
) -> list[list[float]]:
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    wobble = rng.uniform(0.82, 1.12, corners)
    x, y, z = centre
    x = x + radius[0] * wobble * np.cos(angle)
    y = y + radius[1] * wobble * np.sin(angle)
    return np.column_stack((x, y, np.full(corners, z))).tolist()


def tree(
    rng: np.random.Generator, leaf: Color, bark: Color, size: float, bare: bool = False
) -> Mesh:
    """A broad-leaved tree, about 7 m tall at size 1; the trunk is vegetation too.

    A ``bare`` one has branches, and its crown the colour of the sky between twigs.
    """
    mesh = Mesh(_VEGETATION)
    trunk, crown = size * rng.uniform(1.8, 2.6), size * rng.uniform(1.6, 2.4)
    width = (-0.15 * size, 0.15 * size)
    mesh.box(width, (0, trunk + crown), (-0.1, 0.1), bark)
    lobes = ((0.0, 0.9, 1.0, 0.8), (-0.45, 0.6, 0.7, 0.92))
    lobes += ((0.5, 0.75, 0.68, 0.98), (-0.05, 1.35, 0.65, 1.15))
    for index, (x, y, scale, light) in enumerate(lobes):
        centre = (x * crown, trunk + y * crown, -0.05 * index)
        blob = _blob(rng, centre, (scale * crown, 0.85 * scale * crown))
        color = [light * value for value in leaf]
        if bare:
            color = [0.7 * 225 + 0.3 * value for value in bark]
        mesh.add(blob, color, TextureKind.FOLIAGE, rng.uniform())
    for angle in rng.uniform(-1.3, 1.3, 26) if bare else ():
        low = trunk + crown * rng.uniform(-0.3, 1.2)
        high = low + crown * rng.uniform(0.5, 0.9) * np.cos(angle)
        out, half = crown * rng.uniform(0.5, 1.0) * np.sin(angle), 0.045 * size
        branch = ((-half, low), (half, low), (out + 0.3 * half, high), (out, high))
        mesh.add([(u, v, -0.3) for u, v in branch], bark)
    return mesh


def bush(rng: np.random.Generator, leaf: Color, size: float) -> Mesh:
    """A shrub of about ``size`` metres; see :func:`tree`."""
    mesh = Mesh(_VEGETATION)
    for x, light in ((-0.5, 0.85), (0.45, 0.95), (0.0, 1.08)):
        blob = _blob(rng, (x * size, 0.45 * size, 0), (0.7 * size, 0.6 * size), 14)
        blob = [(u, max(v, 0.0), w) for u, v, w in blob]
        color = [light * value for value in leaf]
        mesh.add(blob, color, TextureKind.FOLIAGE, rng.uniform())
    return mesh


def guard_rail(length: float, color: Color) -> Mesh:
    """A crash barrier of ``length`` metres along z, label guard rail."""
    mesh = Mesh(ID['guard rail'])
    for z in np.arange(0.5, length, 4.0):
        mesh.box((-0.05, 0.05), (0, 0.6), (z, z + 0.12), color)
    mesh.box((-0.06, 0.06), (0.42, 0.8), (0, length), color, underside=True)
    return mesh


#: Half width, height of the lower face, widening and height of small things.
_SMALL_THINGS = dict(
    static=((0.25, 0.5), 0, 1.1, (0.9, 1.4)),
    dynamic=((0.2, 0.35), 0.05, 0.8, (0.5, 0.9)),
)


def small_thing(rng: np.random.Generator, color: Color, label: str) -> Mesh:
    """A litter bin or cabinet (static), or a pushcart somebody left (dynamic)."""
    widths, low, widening, heights = _SMALL_THINGS[label]
    mesh, half = Mesh(ID[label]), rng.uniform(*widths)
    wide, high = widening * half, rng.uniform(*heights)
    mesh.hexahedron(
        (-half, half, -half, half, low), (-wide, wide, -half, half, high), color
    )
    return mesh


def bridge(half_width: float, color: Color, variant: float) -> Mesh:
    """A bridge deck over the street, 5.5 m clear, label bridge."""
    mesh = Mesh(ID['bridge'])
    brick = dict(texture=TextureKind.BRICK, variant=variant)
    deck = (-half_width, half_width)
    mesh.box(deck, (5.5, 7.4), (0, 6), color, **brick, underside=True)
    for side in (-1, 1):
        x = sorted((side * half_width, side * (half_width - 1.0)))
        mesh.box(x, (0, 5.5), (0, 6), color, **brick)
    return mesh


def tunnel_mouth(half_road: float, half_width: float, color: Color) -> Mesh:
    """A portal across the street: wall around it, tunnel inside."""
    mesh, brick = Mesh(ID['wall']), TextureKind.BRICK
    mesh.upright((-half_width, -half_road), (0, 9), 0, color, brick)
    mesh.upright((half_road, half_width), (0, 9), 0, color, brick)
    mouth = (-half_road, half_road)
    mesh.upright(mouth, (5.2, 9), 0, color, brick)
    mesh.label = ID['tunnel']
    mesh.upright(mouth, (0, 5.2), 0.1, (22, 21, 20))
    return mesh
