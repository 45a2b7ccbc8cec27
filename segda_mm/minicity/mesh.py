"""Flat polygons in metres that together form one thing of the street."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

#: RGB, 0..255.
Color = Sequence[float]

Point = Sequence[float]


class TextureKind(IntEnum):
    """Which pattern a polygon carries.

    Kinds up to ``GRASS`` lie on the ground: their pattern follows (x, z) and
    shadows fall on them. All others follow height and the way along a wall.
    """

    ASPHALT = 0
    PAVING = 1
    GRASS = 2
    PLAIN = 3
    FACADE = 4
    FOLIAGE = 5
    BRICK = 6
    SLATS = 7
    GLOSS = 8
    SKY = 9


class Mesh:
    """A growing list of flat polygons with label, colour and texture.

    Coordinates are metres; x points right, y up from the ground, z along the
    street. Polygons are drawn in the order in which they were added. Colours are
    RGB, 0..255.

    Attributes:
        label: Cityscapes label id of what is added next.
        points: x, y and z of all corners in a row. Plain numbers: tuples by the
            thousand keep the garbage collector busy.
        sizes: Corners of each polygon; the following lists also have one entry per
            polygon, see :meth:`add`.
        labels, colors, textures, variants, insides: As added.
    """

    def __init__(self, label: int) -> None:
        self.label = label
        self.points = array('f')
        self.sizes: list[int] = []
        self.labels: list[int] = []
        self.colors: list[tuple] = []
        self.textures: list[int] = []
        self.variants: list[float] = []
        self.insides: list[Point | None] = []

    def add(
        self,
        points: Sequence[Point],
        color: Color,
        texture: TextureKind = TextureKind.PLAIN,
        variant: float = 0.5,
        inside: Point | None = None,
    ) -> None:
        """Add one flat polygon.

        Args:
            points: (K, 3) corners, K >= 3, the first three not on one line.
            color: RGB, 0..255.
            texture: Surface pattern.
            variant: 0..1, tells two surfaces of one kind apart.
            inside: A point behind the polygon, which is then only seen from the
                other side.
        """
        for point in points:
            self.points.extend(point)
        self.sizes.append(len(points))
        self.labels.append(self.label)
        self.colors.append(tuple(color))
        self.textures.append(int(texture))
        self.variants.append(variant)
        self.insides.append(inside)

    def hexahedron(
        self,
        bottom: Sequence[float],
        top: Sequence[float],
        color: Color,
        texture: TextureKind = TextureKind.PLAIN,
        variant: float = 0.5,
        underside: bool = False,
    ) -> Solid:
        """Add a box, or a frustum when the two rectangles differ.

        Args:
            bottom, top: (x0, x1, z0, z1, y) of the lower and upper rectangle.
            color, variant: See :meth:`add`.
            texture: Of the four upright faces.
            underside: Whether the lower face is added too.
        """
        x0, x1, z0, z1, y0 = bottom
        u0, u1, w0, w1, y1 = top
        a, b, c, d = (x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)
        e, f, g, h = (u0, y1, w0), (u1, y1, w0), (u1, y1, w1), (u0, y1, w1)
        centre = ((x0 + x1 + u0 + u1) / 4, (y0 + y1) / 2, (z0 + z1 + w0 + w1) / 4)
        faces = dict(
            near=(a, b, f, e), far=(c, d, h, g), left=(d, a, e, h), right=(b, c, g, f)
        )
        for corners in faces.values():
            self.add(corners, color, texture, variant, centre)
        self.add((e, f, g, h), color, TextureKind.PLAIN, variant, centre)
        if underside:
            dark = [0.5 * value for value in color]
            self.add((a, b, c, d), dark, TextureKind.PLAIN, variant, centre)
        return Solid(self, faces, centre)

    def box(
        self,
        x: Sequence[float],
        y: Sequence[float],
        z: Sequence[float],
        color: Color,
        *args,
        **kwargs,
    ) -> Solid:
        """Add an upright :meth:`hexahedron`; x, y and z are (low, high) in metres."""
        return self.hexahedron((*x, *z, y[0]), (*x, *z, y[1]), color, *args, **kwargs)

    def upright(
        self,
        x: Sequence[float],
        y: Sequence[float],
        z: float,
        color: Color,
        *texture_and_variant,
    ) -> None:
        """Add a rectangle across the street; x and y are (low, high) in metres."""
        corners = [(x[0], y[0], z), (x[1], y[0], z), (x[1], y[1], z), (x[0], y[1], z)]
        self.add(corners, color, *texture_and_variant)

    def disk(
        self,
        centre: Point,
        radius: float,
        axis: str,
        color: Color,
        sides: int = 10,
        inside: Point | None = None,
    ) -> None:
        """Add a regular polygon across the 'x' axis or the 'z' axis, in metres."""
        x, y, z = centre
        points = []
        for index in range(sides):
            angle = 2 * math.pi * index / sides
            across, up = radius * math.cos(angle), radius * math.sin(angle)
            points.append(
                (x + across, y + up, z) if axis == 'z' else (x, y + up, z + across)
            )
        self.add(points, color, inside=inside)


class Solid(NamedTuple):
    """A hexahedron of a mesh.

    ``faces`` maps 'near' (low z), 'far', 'left' and 'right' to (4, 3) corners,
    lower two, upper two; ``inside`` is its centre.
    """

    mesh: Mesh
    faces: dict[str, tuple]
    inside: Point

    def panel(
        self,
        sides: str,
        across: tuple[float, float],
        upwards: tuple[float, float],
        color: Color,
    ) -> None:
        """Add a glossy rectangle to each of some faces, such as 'left right'.

        ``across`` and ``upwards`` are low and high shares of width and height.
        """
        for side in sides.split():
            a, b, c, d = self.faces[side]
            points = [
                tuple(
                    (1 - v) * ((1 - u) * p + u * q) + v * ((1 - u) * s + u * r)
                    for p, q, r, s in zip(a, b, c, d)
                )
                for u, v in (
                    (across[0], upwards[0]),
                    (across[1], upwards[0]),
                    (across[1], upwards[1]),
                    (across[0], upwards[1]),
                )
            ]
            self.mesh.add(points, color, TextureKind.GLOSS, 0.5, self.inside)
