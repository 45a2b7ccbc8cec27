"""Flat polygons in metres that together form one thing of the street."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from enum import IntEnum

#: RGB, 0..255.
Color = Sequence[float]

Point = Sequence[float]


class TextureKind(IntEnum):
    """Which pattern a polygon carries; ground kinds come first.

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
    street. Polygons are drawn in the order in which they were added, so a
    window is added after the wall it sits in.

    Attributes:
        points: x, y and z of all corners of all polygons in a row. Plain
            numbers: tuples by the thousand keep the garbage collector busy.
        sizes: Corners of each polygon; the following lists also have one
            entry per polygon, see :meth:`add`.
        labels, colors, textures, variants, insides: As added.
    """

    def __init__(self) -> None:
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
        label: int,
        color: Color,
        texture: TextureKind = TextureKind.PLAIN,
        variant: float = 0.5,
        inside: Point | None = None,
    ) -> None:
        """Add one flat polygon.

        Args:
            points: (K, 3) corners, K >= 3, the first three not on one line.
            label: Cityscapes label id.
            color: RGB, 0..255.
            texture: Surface pattern.
            variant: 0..1, tells two surfaces of one kind apart.
            inside: A point behind the polygon; given it, the polygon is only
                seen from the other side. Without it, both sides are seen.
        """
        for point in points:
            self.points.extend(point)
        self.sizes.append(len(points))
        self.labels.append(label)
        self.colors.append(tuple(color))
        self.textures.append(int(texture))
        self.variants.append(variant)
        self.insides.append(inside)

    def hexahedron(
        self,
        bottom: Sequence[float],
        top: Sequence[float],
        label: int,
        color: Color,
        texture: TextureKind = TextureKind.PLAIN,
        variant: float = 0.5,
        underside: bool = False,
    ) -> tuple[dict[str, tuple], Point]:
        """Add a box, or a frustum when the two rectangles differ.

        Args:
            bottom: (x0, x1, z0, z1, y) of the lower rectangle.
            top: (x0, x1, z0, z1, y) of the upper rectangle.
            label: Cityscapes label id.
            color: RGB, 0..255.
            texture: Of the four upright faces.
            variant: See :meth:`add`.
            underside: Whether the lower face is added too.

        Returns:
            (faces, centre); ``faces`` maps 'near' (low z), 'far', 'left' and
            'right' to (4, 3) corners: lower two, upper two.
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
            self.add(corners, label, color, texture, variant, centre)
        self.add((e, f, g, h), label, color, TextureKind.PLAIN, variant, centre)
        if underside:
            dark = [0.5 * value for value in color]
            self.add((a, b, c, d), label, dark, TextureKind.PLAIN, variant, centre)
        return faces, centre

    def box(
        self,
        x: Sequence[float],
        y: Sequence[float],
        z: Sequence[float],
        label: int,
        color: Color,
        **kwargs,
    ) -> tuple[dict[str, tuple], Point]:
        """Add an upright box; x, y and z are (low, high) in metres.

        ``kwargs`` and the result are those of :meth:`hexahedron`.
        """
        return self.hexahedron((*x, *z, y[0]), (*x, *z, y[1]), label, color, **kwargs)

    def upright(
        self,
        x: Sequence[float],
        y: Sequence[float],
        z: float,
        label: int,
        color: Color,
        *texture_and_variant,
    ) -> None:
        """Add a rectangle across the street; x and y are (low, high) in metres."""
        corners = [(x[0], y[0], z), (x[1], y[0], z), (x[1], y[1], z), (x[0], y[1], z)]
        self.add(corners, label, color, *texture_and_variant)

    def panel(
        self,
        corners: Sequence[Point],
        across: tuple[float, float],
        upwards: tuple[float, float],
        label: int,
        color: Color,
        inside: Point,
    ) -> None:
        """Add a glossy rectangle that lies in a four-cornered face.

        Args:
            corners: (4, 3), lower two then upper two, as :meth:`hexahedron`
                returns them.
            across: Low and high share of the face's width, 0..1.
            upwards: Low and high share of the face's height, 0..1.
            label: Cityscapes label id.
            color: RGB, 0..255.
            inside: A point behind the face.
        """
        a, b, c, d = corners
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
        self.add(points, label, color, TextureKind.GLOSS, 0.5, inside)

    def disk(
        self,
        centre: Point,
        radius: float,
        axis: str,
        label: int,
        color: Color,
        sides: int = 10,
        inside: Point | None = None,
    ) -> None:
        """Add a regular polygon across the 'x' axis or the 'z' axis.

        ``centre`` is (x, y, z) and ``radius`` metres; the other arguments
        are those of :meth:`add`.
        """
        x, y, z = centre
        points = []
        for index in range(sides):
            angle = 2 * math.pi * index / sides
            across, up = radius * math.cos(angle), radius * math.sin(angle)
            points.append(
                (x + across, y + up, z) if axis == 'z' else (x, y + up, z + across)
            )
        self.add(points, label, color, inside=inside)
