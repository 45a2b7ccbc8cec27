"""Shapes of vehicles; heading is along z, the origin on the ground.

All take the source of their proportions, their paint and their label id.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .mesh import Color, Mesh, Solid, TextureKind

#: A mesh, and its (half width, half length) in metres.
Vehicle = tuple[Mesh, tuple[float, float]]

_GLASS = (38, 44, 52)
_TYRE = (24, 24, 26)
_RIM = (110, 112, 116)
_RED = (190, 30, 30)
_WHITE = (235, 232, 220)
_GLOSS = TextureKind.GLOSS


def _wheels(
    body: Solid, half_width: float, axles: Sequence[float], radius: float
) -> None:
    mesh, inside = body.mesh, body.inside
    for z in axles:
        for x in (-half_width - 0.01, half_width + 0.01):
            mesh.disk((x, radius, z), radius, 'x', _TYRE, 12, inside)
            mesh.disk((x, radius, z), 0.55 * radius, 'x', _RIM, 8, inside)


def _lights(rear: Solid, front: Solid, height: tuple[float, float]) -> None:
    for share in ((0.03, 0.2), (0.8, 0.97)):
        rear.panel('near', share, height, _RED)
        front.panel('far', share, height, _WHITE)


def car(rng: np.random.Generator, paint: Color, label: int) -> Vehicle:
    """A passenger car of 3.7 to 4.7 m, from flat to van-like."""
    mesh = Mesh(label)
    half = rng.uniform(0.83, 0.93)
    length = rng.uniform(1.85, 2.35)
    belt, roof = rng.uniform(0.82, 0.95), rng.uniform(1.42, 1.75)
    back = rng.uniform(0.78, 0.97)
    body = mesh.hexahedron(
        (-half, half, -length, length, 0.28),
        (-0.97 * half, 0.97 * half, -0.98 * length, 0.96 * length, belt),
        paint,
        _GLOSS,
    )
    dark = [0.35 * value for value in paint]
    body.panel('near far left right', (0, 1), (0, 0.14), dark)
    _lights(body, body, (0.55, 0.82))
    body.panel('near far', (0.36, 0.64), (0.3, 0.48), (228, 228, 218))
    cabin = mesh.hexahedron(
        (-0.95 * half, 0.95 * half, -0.95 * length, 0.48 * length, belt),
        (-0.74 * half, 0.74 * half, -back * 0.85 * length, 0.1 * length, roof),
        paint,
        _GLOSS,
    )
    cabin.panel('near far', (0.07, 0.93), (0.1, 0.9), _GLASS)
    for share in ((0.08, 0.48), (0.53, 0.92)):
        cabin.panel('left right', share, (0.1, 0.86), _GLASS)
    _wheels(body, half, (-0.62 * length, 0.6 * length), 0.32)
    return mesh, (half, length)


def truck(rng: np.random.Generator, paint: Color, label: int) -> Vehicle:
    """A lorry with a cab and a cargo box."""
    mesh = Mesh(label)
    half, length = 1.22, rng.uniform(3.2, 4.6)
    height = rng.uniform(3.0, 3.7)
    cargo = rng.choice([0.4, 0.6, 0.85]) * np.array([215, 212, 200])
    chassis = (52, 52, 56)
    mesh.box((-0.9, 0.9), (0.45, 1.0), (-length, length), chassis)
    load = mesh.box(
        (-half, half), (1.0, height), (-length, length - 2.1), cargo, _GLOSS
    )
    load.panel('left right', (0.12, 0.88), (0.35, 0.7), paint)
    load.panel('near', (0.485, 0.515), (0, 1), chassis)
    load.panel('near', (0, 1), (0, 0.09), _RED)
    cab = mesh.hexahedron(
        (-1.15, 1.15, length - 1.9, length, 0.5),
        (-1.1, 1.1, length - 1.8, length - 0.25, 2.7),
        paint,
        _GLOSS,
    )
    cab.panel('far', (0.06, 0.94), (0.48, 0.9), _GLASS)
    cab.panel('left right', (0.15, 0.85), (0.5, 0.88), _GLASS)
    _lights(load, cab, (0.1, 0.2))
    _wheels(load, 1.15, (-0.75 * length, -0.45 * length, 0.72 * length), 0.48)
    return mesh, (half, length)


def _long_vehicle(
    label: int,
    half: float,
    length: float,
    height: float,
    paint: Color,
    floor: float,
    windows: int,
    doors: Sequence[int],
) -> Solid:
    body = Mesh(label).box(
        (-half, half), (floor, height), (-length, length), paint, _GLOSS
    )
    body.panel('left right', (0, 1), (0, 0.07), (45, 45, 48))
    step = 1.0 / windows
    for index in range(windows):
        share = ((index + 0.08) * step, (index + 0.92) * step)
        low = 0.1 if index in doors else 0.42
        body.panel('left right', share, (low, 0.8), _GLASS)
    body.panel('near far', (0.06, 0.94), (0.36, 0.78), _GLASS)
    body.panel('near far', (0.2, 0.8), (0.84, 0.94), (230, 170, 40))
    _lights(body, body, (0.1, 0.2))
    return body


def bus(rng: np.random.Generator, paint: Color, label: int) -> Vehicle:
    """A city bus of 10 to 12 m."""
    half, length = 1.26, rng.uniform(5.0, 6.0)
    body = _long_vehicle(label, half, length, 3.05, paint, 0.35, 7, (1, 5))
    _wheels(body, half, (-0.55 * length, 0.6 * length), 0.48)
    return body.mesh, (half, length)


def train(rng: np.random.Generator, paint: Color, label: int) -> Vehicle:
    """A tram of 22 to 28 m."""
    half, length = 1.3, rng.uniform(11.0, 14.0)
    mesh = _long_vehicle(label, half, length, 3.5, paint, 0.3, 14, (2, 6, 10)).mesh
    roof = (-0.5 * length, 0.5 * length)
    mesh.box((-0.9, 0.9), (3.5, 3.8), roof, (90, 92, 95))
    mesh.box((-0.04, 0.04), (3.8, 4.9), (-0.3, 0.3), (60, 60, 62))
    return mesh, (half, length)


def trailer(rng: np.random.Generator, paint: Color, label: int) -> Vehicle:
    """A one-axle box of 3 to 5 m, as trailer or caravan."""
    half, length = 1.05, rng.uniform(1.6, 2.5)
    y, z = (0.45, rng.uniform(1.9, 2.5)), (-length, length)
    body = Mesh(label).box((-half, half), y, z, paint, _GLOSS)
    body.panel('near left right', (0.2, 0.8), (0.55, 0.85), _GLASS)
    _lights(body, body, (0.05, 0.15))
    _wheels(body, half, (0.0,), 0.32)
    return body.mesh, (half, length)


def bicycle(rng: np.random.Generator, paint: Color, label: int) -> Vehicle:
    """A bicycle without rider."""
    mesh = Mesh(label)
    for z in (-0.52, 0.52):
        # The hub side is lighter: spokes before the background.
        mesh.disk((0, 0.36, z), 0.38, 'x', _TYRE, 14)
        mesh.disk((0, 0.36, z), 0.27, 'x', (96, 98, 98), 12)
        mesh.box((-0.05, 0.05), (0.0, 0.74), (z - 0.05, z + 0.05), _TYRE)
    frame = ((0, 0.3, -0.55), (0, 0.92, -0.18), (0, 0.95, 0.38), (0, 0.3, 0.08))
    mesh.add(frame, paint)
    mesh.add(np.array(frame) * 0.72 + (0, 0.18, -0.02), (96, 98, 98))
    mesh.box((-0.3, 0.3), (0.98, 1.06), (0.36, 0.44), _TYRE)
    mesh.box((-0.09, 0.09), (0.92, 1.0), (-0.32, -0.08), _TYRE)
    mesh.box((-0.07, 0.07), (0.5, 0.95), (-0.26, -0.14), paint)
    return mesh, (0.3, 0.9)


def motorcycle(rng: np.random.Generator, paint: Color, label: int) -> Vehicle:
    """A motorcycle without rider."""
    mesh = Mesh(label)
    for z in (-0.68, 0.68):
        mesh.box((-0.1, 0.1), (0.0, 0.64), (z - 0.12, z + 0.12), _TYRE)
        for x in (-0.1, 0.1):
            mesh.disk((x, 0.33, z), 0.34, 'x', _TYRE, 12)
            mesh.disk((x, 0.33, z), 0.18, 'x', _RIM, 8)
    top = (-0.26, 0.26, -0.85, 0.55, 0.82)
    body = mesh.hexahedron((-0.2, 0.2, -0.5, 0.5, 0.3), top, paint, _GLOSS)
    body.panel('near', (0.25, 0.75), (0.45, 0.8), _RED)
    top = (-0.26, 0.26, 0.3, 0.5, 1.2)
    mesh.hexahedron((-0.18, 0.18, 0.4, 0.72, 0.55), top, paint, _GLOSS)
    mesh.box((-0.42, 0.42), (1.02, 1.1), (0.3, 0.4), _TYRE)
    return mesh, (0.4, 1.05)
