"""Shapes that stand along a street: poles, lights, signs, trees, barriers."""

import numpy as np

from .mesh import Mesh
from .texture_kind import TextureKind

_POLE, _LIGHT, _SIGN, _VEGETATION = 17, 19, 20, 21


def lamp_post(rng, color, side, label=_POLE):
    """A street lamp whose arm reaches over the road.

    Args:
        rng (numpy.random.Generator): Source of the height.
        color (sequence): RGB, 0..255.
        side (int): -1 left of the road, 1 right of it.
        label (int): Cityscapes label id of the pole.
    """
    mesh, height = Mesh(), rng.uniform(5.5, 8.0)
    mesh.box((-0.11, 0.11), (0, height), (-0.11, 0.11), label, color)
    reach = sorted((0.0, -side * rng.uniform(1.2, 2.0)))
    mesh.box(reach, (height - 0.12, height), (-0.06, 0.06), label, color)
    tip = -side * max(np.abs(reach))
    mesh.box(
        (tip - 0.35, tip + 0.35),
        (height - 0.26, height - 0.08),
        (-0.14, 0.14),
        label,
        (215, 212, 195),
    )
    return mesh


def traffic_light(rng, color):
    """A signal with three lamps on a pole; see :func:`lamp_post`."""
    mesh, height = Mesh(), rng.uniform(2.7, 3.4)
    mesh.box((-0.09, 0.09), (0, height + 0.2), (-0.09, 0.09), _POLE, color)
    mesh.box(
        (-0.28, 0.28),
        (height - 0.95, height + 0.25),
        (-0.3, -0.05),
        _LIGHT,
        (26, 28, 27),
    )
    lit = int(rng.integers(3))
    lamps = (
        ((255, 60, 40), (70, 20, 18)),
        ((255, 190, 50), (74, 56, 16)),
        ((70, 240, 130), (16, 66, 40)),
    )
    for index, (bright, dim) in enumerate(lamps):
        mesh.disk(
            (0, height + 0.05 - 0.38 * index, -0.31),
            0.15,
            'z',
            _LIGHT,
            bright if index == lit else dim,
            10,
        )
    return mesh


def traffic_sign(rng, color):
    """A round, three-cornered, square or wide sign on a pole."""
    mesh, kind = Mesh(), int(rng.integers(4))
    height = rng.uniform(2.1, 2.9)
    mesh.box((-0.06, 0.06), (0, height), (-0.06, 0.06), _POLE, color)
    red, white, blue = (205, 32, 36), (240, 240, 236), (30, 80, 180)
    z = -0.08
    if kind == 0:
        for radius, paint in ((0.45, red), (0.32, white)):
            mesh.disk((0, height, z), radius, 'z', _SIGN, paint, 14)
        mesh.add(
            [
                (-0.2, height - 0.06, z),
                (0.2, height - 0.06, z),
                (0.2, height + 0.06, z),
                (-0.2, height + 0.06, z),
            ],
            _SIGN,
            (30, 30, 30),
        )
    elif kind == 1:
        for size, paint in ((0.52, red), (0.32, white)):
            mesh.add(
                [
                    (-size, height - 0.55 * size, z),
                    (size, height - 0.55 * size, z),
                    (0, height + 1.15 * size, z),
                ],
                _SIGN,
                paint,
            )
    else:
        half = (0.42, 0.42) if kind == 2 else (0.95, 0.38)
        paint = blue if kind == 2 else (240, 205, 40)
        for shrink, tint in ((1.0, white), (0.88, paint), (0.4, white)):
            x, y = shrink * half[0], shrink * half[1]
            mesh.add(
                [
                    (-x, height - y, z),
                    (x, height - y, z),
                    (x, height + y, z),
                    (-x, height + y, z),
                ],
                _SIGN,
                tint,
            )
    return mesh


def pole_group(rng, color):
    """Three posts side by side, the group that is not evaluated."""
    mesh = Mesh()
    for x in (-0.3, 0.0, 0.28):
        mesh.box(
            (x - 0.07, x + 0.07), (0, rng.uniform(2.5, 6)), (-0.07, 0.07), 18, color
        )
    return mesh


def _blob(rng, centre, radius, corners=18):
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    wobble = rng.uniform(0.82, 1.12, corners)
    x, y, z = centre
    return np.stack(
        (
            x + radius[0] * wobble * np.cos(angle),
            y + radius[1] * wobble * np.sin(angle),
            np.full(corners, z),
        ),
        axis=1,
    ).tolist()


def tree(rng, leaf, bark, size=1.0):
    """A broad-leaved tree: trunk and crown are both vegetation.

    Args:
        rng (numpy.random.Generator): Source of the shape.
        leaf (sequence): RGB of the leaves, 0..255.
        bark (sequence): RGB of the trunk, 0..255.
        size (float): 1 is about 7 m tall.
    """
    mesh = Mesh()
    trunk, crown = size * rng.uniform(1.8, 2.6), size * rng.uniform(1.6, 2.4)
    mesh.box(
        (-0.15 * size, 0.15 * size), (0, trunk + crown), (-0.1, 0.1), _VEGETATION, bark
    )
    lobes = (
        (0.0, 0.9, 1.0, 0.8),
        (-0.45, 0.6, 0.7, 0.92),
        (0.5, 0.75, 0.68, 0.98),
        (-0.05, 1.35, 0.65, 1.15),
    )
    for index, (x, y, scale, light) in enumerate(lobes):
        mesh.add(
            _blob(
                rng,
                (x * crown, trunk + y * crown, -0.05 * index),
                (scale * crown, 0.85 * scale * crown),
            ),
            _VEGETATION,
            [light * value for value in leaf],
            TextureKind.FOLIAGE,
            rng.uniform(),
        )
    return mesh


def bush(rng, leaf, size=1.0):
    """A shrub of about ``size`` metres; see :func:`tree`."""
    mesh = Mesh()
    for x, light in ((-0.5, 0.85), (0.45, 0.95), (0.0, 1.08)):
        blob = _blob(rng, (x * size, 0.45 * size, 0), (0.7 * size, 0.6 * size), 14)
        mesh.add(
            [(u, max(v, 0.0), w) for u, v, w in blob],
            _VEGETATION,
            [light * value for value in leaf],
            TextureKind.FOLIAGE,
            rng.uniform(),
        )
    return mesh


def barrier(length, height, thickness, label, color, texture, variant=0.5):
    """A wall, fence or hedge of ``length`` metres along z from 0."""
    mesh = Mesh()
    mesh.box(
        (-thickness / 2, thickness / 2),
        (0, height),
        (0, length),
        label,
        color,
        texture=texture,
        variant=variant,
    )
    return mesh


def guard_rail(length, color):
    """A crash barrier of ``length`` metres along z, label guard rail."""
    mesh = Mesh()
    for z in np.arange(0.5, length, 4.0):
        mesh.box((-0.05, 0.05), (0, 0.6), (z, z + 0.12), 14, color)
    mesh.box((-0.06, 0.06), (0.42, 0.8), (0, length), 14, color, underside=True)
    return mesh


def waste_bin(rng, color):
    """A litter bin or cabinet, label static."""
    mesh, half = Mesh(), rng.uniform(0.25, 0.5)
    mesh.hexahedron(
        (-half, half, -half, half, 0),
        (-1.1 * half, 1.1 * half, -half, half, rng.uniform(0.9, 1.4)),
        4,
        color,
    )
    return mesh


def cart(rng, color):
    """A bag or pushcart somebody left for a moment, label dynamic."""
    mesh, half = Mesh(), rng.uniform(0.2, 0.35)
    mesh.hexahedron(
        (-half, half, -half, half, 0.05),
        (-0.8 * half, 0.8 * half, -half, half, rng.uniform(0.5, 0.9)),
        5,
        color,
    )
    return mesh


def bridge(half_width, color, variant):
    """A bridge deck over the street, 5.5 m clear, label bridge."""
    mesh = Mesh()
    mesh.box(
        (-half_width, half_width),
        (5.5, 7.4),
        (0, 6),
        15,
        color,
        texture=TextureKind.BRICK,
        variant=variant,
        underside=True,
    )
    for side in (-1, 1):
        x = sorted((side * half_width, side * (half_width - 1.0)))
        mesh.box(
            x, (0, 5.5), (0, 6), 15, color, texture=TextureKind.BRICK, variant=variant
        )
    return mesh


def tunnel_mouth(half_road, half_width, color):
    """A portal across the street: wall around it, tunnel inside."""
    mesh = Mesh()
    for x in ((-half_width, -half_road), (half_road, half_width)):
        mesh.add(
            [(x[0], 0, 0), (x[1], 0, 0), (x[1], 9, 0), (x[0], 9, 0)],
            12,
            color,
            TextureKind.BRICK,
        )
    mesh.add(
        [
            (-half_road, 5.2, 0),
            (half_road, 5.2, 0),
            (half_road, 9, 0),
            (-half_road, 9, 0),
        ],
        12,
        color,
        TextureKind.BRICK,
    )
    mesh.add(
        [
            (-half_road, 0, 0.1),
            (half_road, 0, 0.1),
            (half_road, 5.2, 0.1),
            (-half_road, 5.2, 0.1),
        ],
        16,
        (22, 21, 20),
    )
    return mesh
