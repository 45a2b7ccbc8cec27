"""The outline of a street, which everything else is put into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import street_furniture
from .looks import Look
from .mesh import Color, Mesh
from .scene import Item

#: Built length of a street, metres from the annotated camera.
BEGIN, END = -45.0, 175.0


@dataclass(frozen=True)
class Side:
    """Where the strips of one side begin and end.

    ``sign`` is -1 on the left; the pairs are distances from the middle of the road
    in metres.
    """

    sign: int
    parking: tuple[float, float]
    rail: tuple[float, float]
    verge: tuple[float, float]
    sidewalk: tuple[float, float]

    @property
    def line(self) -> float:
        """Distance of the house fronts in metres."""
        return self.sidewalk[1]


class Street:
    """A street that is being built.

    ``road`` is half its width in metres, ``lanes`` those of each direction,
    ``crossings`` (begin, end) of the roads that cross; ``shaded_sides`` see ``Scene``.
    """

    def __init__(self, look: Look, rng: np.random.Generator) -> None:
        self.look, self.layout, self.rng = look, look.layout, rng
        self.items: list[Item] = []
        self.shaded_sides: list[tuple] = []
        self.road = rng.uniform(*self.layout.road_half_width)
        self.lanes = 2 if self.road > 6 else 1
        has_rail = rng.uniform() < self.layout.rail
        self.sides = [self._side(sign, has_rail and sign < 0) for sign in (-1, 1)]
        self.crossings = []
        begin = rng.uniform(14, 75)
        while begin < 140 and rng.uniform() < 0.75:
            self.crossings.append((begin, begin + rng.uniform(6.5, 10)))
            begin += rng.uniform(50, 90)

    def _side(self, sign: int, has_rail: bool) -> Side:
        rng, strips, begin = self.rng, [], self.road
        for width in (
            2.3 * (rng.uniform() < self.layout.parking),
            3.4 * has_rail,
            1.6 * (rng.uniform() < self.layout.verge),
            rng.uniform(*self.layout.sidewalk_width),
        ):
            strips.append((begin, begin + width))
            begin += width
        return Side(sign, *strips)

    def color(self, material: str) -> tuple:
        """A random RGB triple of a material, spread as the look says."""
        choices = self.look.colors[material]
        color = np.array(choices[self.rng.integers(len(choices))], float)
        color = color + self.rng.normal(0, self.look.color_spread, 3)
        return tuple(np.clip(color, 4, 251))

    def tree(self, leaf: Color, bark: Color, size: float) -> Mesh:
        """A tree of about ``size`` times 7 m, bare as often as the look says."""
        # Where no tree is bare, none is asked for.
        bare = self.layout.bare_trees and self.rng.uniform() < self.layout.bare_trees
        return street_furniture.tree(self.rng, leaf, bark, size, bool(bare))

    def put(self, mesh: Mesh, x: float, z: float, **kwargs) -> None:
        """Put a mesh at (x, z) in metres as an :class:`Item`."""
        self.items.append(Item(mesh, (x, z), **kwargs))

    def crosses(self, begin: float, end: float) -> bool:
        """Whether a road crosses between two places, or nearly so."""
        return any(begin < b + 1.0 and end > a - 1.0 for a, b in self.crossings)
