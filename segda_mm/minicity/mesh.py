"""Flat polygons in metres that together form one thing of the street."""

import math
from array import array

from .texture_kind import TextureKind


class Mesh:
    """A growing list of flat polygons with label, colour and texture.

    Coordinates are metres; x points right, y up from the ground, z along the
    street. Polygons are drawn in the order in which they were added, so a
    window is added after the wall it sits in.

    Attributes:
        points (array): x, y and z of all corners of all polygons in a row.
            Plain numbers: tuples by the thousand keep the garbage collector
            busy.
        sizes (list[int]): Corners of each polygon; the following lists also
            have one entry per polygon, see :meth:`add`.
        labels, colors, textures, variants, insides (list): As added.
    """

    def __init__(self):
        self.points = array('f')
        self.sizes = []
        self.labels = []
        self.colors = []
        self.textures = []
        self.variants = []
        self.insides = []

    def add(
        self, points, label, color, texture=TextureKind.PLAIN, variant=0.5, inside=None
    ):
        """Add one flat polygon.

        Args:
            points (sequence): (K, 3) corners, K >= 3, the first three not on
                one line.
            label (int): Cityscapes label id.
            color (sequence): RGB, 0..255.
            texture (TextureKind): Surface pattern. Default: PLAIN.
            variant (float): 0..1, tells two surfaces of one kind apart.
            inside (sequence, optional): A point behind the polygon; given it,
                the polygon is only seen from the other side. Without it,
                both sides are seen.
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
        bottom,
        top,
        label,
        color,
        texture=TextureKind.PLAIN,
        variant=0.5,
        underside=False,
    ):
        """Add a box, or a frustum when the two rectangles differ.

        Args:
            bottom (tuple): (x0, x1, z0, z1, y) of the lower rectangle.
            top (tuple): (x0, x1, z0, z1, y) of the upper rectangle.
            label (int): Cityscapes label id.
            color (sequence): RGB, 0..255.
            texture (TextureKind): Of the four upright faces.
            variant (float): See :meth:`add`.
            underside (bool): Whether the lower face is added too.

        Returns:
            tuple: (faces, centre); ``faces`` maps 'near' (low z), 'far',
            'left' and 'right' to (4, 3) corners: lower two, upper two.
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

    def box(self, x, y, z, label, color, **kwargs):
        """Add an upright box; x, y and z are (low, high) in metres.

        Returns what :meth:`hexahedron` returns.
        """
        return self.hexahedron((*x, *z, y[0]), (*x, *z, y[1]), label, color, **kwargs)

    def panel(self, corners, across, upwards, label, color, inside):
        """Add a rectangle that lies in a four-cornered face.

        Args:
            corners (sequence): (4, 3), lower two then upper two, as
                :meth:`hexahedron` returns them.
            across (tuple): Low and high share of the face's width, 0..1.
            upwards (tuple): Low and high share of the face's height, 0..1.
            label (int): Cityscapes label id.
            color (sequence): RGB, 0..255.
            inside (sequence): A point behind the face.
        """
        a, b, c, d = corners

        def at(u, v):
            return tuple(
                (1 - v) * ((1 - u) * p + u * q) + v * ((1 - u) * s + u * r)
                for p, q, r, s in zip(a, b, c, d)
            )

        points = [
            at(across[0], upwards[0]),
            at(across[1], upwards[0]),
            at(across[1], upwards[1]),
            at(across[0], upwards[1]),
        ]
        self.add(points, label, color, TextureKind.GLOSS, 0.5, inside)

    def disk(self, centre, radius, axis, label, color, sides=10, inside=None):
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
