"""One street with everything that stands and moves in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from .camera import Camera
from .look import Look
from .mesh import Mesh


@dataclass
class Item:
    """A mesh with its place, speed and instance numbers.

    Attributes:
        mesh: The shape, or a function of the time in seconds that returns it.
        position: (x, z) of the mesh's origin at time zero, metres.
        heading: Radians; 0 looks along the street.
        velocity: (x, z) in metres per second.
        layer: Lower layers are drawn first: 0 the ground, 1 what stands behind
            the pavement, 2 what stands between the building lines.
        shadow: (half width, half length) of its contact shadow in metres.
        instances: Label id -> instance id, for labels with instances.
    """

    mesh: Mesh | Callable[[float], Mesh]
    position: tuple[float, float] = (0.0, 0.0)
    heading: float = 0.0
    velocity: tuple[float, float] = (0.0, 0.0)
    layer: int = 2
    shadow: tuple[float, float] | None = None
    instances: dict[int, int] = field(default_factory=dict)

    def mesh_at(self, time: float) -> Mesh:
        """The shape at ``time`` in seconds."""
        return self.mesh(time) if callable(self.mesh) else self.mesh

    def place(self, points: np.ndarray, time: float) -> np.ndarray:
        """Mesh coordinates (V, 3) -> street coordinates (V, 3) float32."""
        cos, sin = np.cos(self.heading), np.sin(self.heading)
        x, y, z = points.T
        return np.stack(
            (
                cos * x + sin * z + self.position[0] + self.velocity[0] * time,
                y,
                cos * z - sin * x + self.position[1] + self.velocity[1] * time,
            ),
            axis=1,
        ).astype(np.float32)


@dataclass
class Scene:
    """A street as metres and seconds know it, without any pixel.

    Attributes:
        camera: Where the picture of time zero is taken.
        speed: Of the camera along the street, metres per second.
        curve: The street bends by ``curve * z**2`` metres.
        sun: Unit vector (x, y, z) towards the sun.
        shaded_sides: (side, x of the building line, z0, z1, height) of houses.
        bonnet_color: RGB of the own car in the picture.
    """

    look: Look
    items: list[Item]
    camera: Camera
    speed: float
    curve: float
    sun: tuple[float, float, float]
    shaded_sides: list[tuple]
    bonnet_color: tuple | None

    def camera_at(self, time: float) -> Camera:
        """The camera at ``time`` in seconds."""
        x, y, z = self.camera.position
        return replace(self.camera, position=(x, y, z + self.speed * time))

    def bend(self, points: np.ndarray) -> np.ndarray:
        """Straight street coordinates (V, 3) -> bent ones, in place."""
        points[:, 0] += np.float32(self.curve) * points[:, 2] ** 2
        return points
