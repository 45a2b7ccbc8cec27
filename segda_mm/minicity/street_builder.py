"""Draws one street of a world at random."""

from __future__ import annotations

from collections import Counter

import numpy as np

from .ground import lay_ground
from .labels import THINGS
from .look import Look
from .pavement import furnish_crossings, furnish_kerb, put_oddities
from .plots import build_backdrop, build_plots
from .scene import Camera, Scene
from .street import Street
from .traffic import drive, park_vehicles, people_side, ride


def build_scene(look: Look, rng: np.random.Generator) -> Scene:
    """Draw a street; the state of ``rng`` alone decides it.

    The order of the steps is part of the world: each draws from ``rng``.
    """
    street, layout = Street(look, rng), look.layout
    lay_ground(street)
    for side in street.sides:
        build_plots(street, side)
        furnish_kerb(street, side)
        park_vehicles(street, side)
        people_side(street, side)
    furnish_crossings(street)
    drive(street)
    ride(street)
    put_oddities(street)
    build_backdrop(street)
    _number_things(street)

    height = rng.uniform(*layout.camera_height)
    x = street.road / (2 * street.lanes) + rng.normal(0, 0.25)
    camera = Camera(
        (x, height, 0.0),
        rng.normal(0, 0.03),
        rng.uniform(*layout.focal),
        rng.uniform(*layout.horizon),
    )
    aside, up = rng.choice([-1, 1]) * rng.uniform(0.5, 0.9), 0.75
    sun = np.array([aside, up, rng.uniform(-0.7, 0.3)])
    bonnet = street.color('bonnet') if layout.bonnet else None
    return Scene(
        look,
        street.items,
        camera,
        float(rng.choice([0.0, 4.0, 7.0])),
        rng.normal(0, 0.0005),
        tuple(sun / np.linalg.norm(sun)),
        street.shaded_sides,
        bonnet,
    )


def _number_things(street: Street) -> None:
    """Give every thing its instance id, label id * 1000 + number."""
    used = Counter()
    for item in street.items:
        for label in THINGS.intersection(item.mesh_at(0.0).labels):
            item.instances[label] = label * 1000 + used[label]
            used[label] += 1
