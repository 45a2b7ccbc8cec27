"""The surface patterns that a shader knows."""

from enum import IntEnum


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
