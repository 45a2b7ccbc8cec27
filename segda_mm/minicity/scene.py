"""One street with everything that stands and moves in it, and its camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from .looks import Look
from .mesh import Mesh


@dataclass(frozen=True)
class Camera:
    """A pinhole camera whose picture scales with the image size.

    ``position`` is (x, y, z) in metres, y above ground; ``yaw`` in radians turns right;
    ``focal`` is a share of the image width, ``horizon`` one of its height from the
    top, reached by shifting the image plane: upright things stay upright.
    """

    position: tuple[float, float, float]
    yaw: float
    focal: float
    horizon: float

    #: Nearest visible depth, metres.
    NEAR = 0.4

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """World (V, 3) metres -> camera (V, 3): right, up, forward."""
        x, y, z = (points - np.asarray(self.position, np.float32)).T
        cos, sin = np.float32(np.cos(self.yaw)), np.float32(np.sin(self.yaw))
        return np.stack((cos * x - sin * z, y, sin * x + cos * z), axis=1)

    def to_street(self, directions: np.ndarray) -> np.ndarray:
        """Directions in camera coordinates -> street axes, (V, 3)."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        x, y, z = directions.T
        return np.stack((cos * x + sin * z, y, cos * z - sin * x), axis=1)

    def rays(self, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """``right`` (W,) and ``up`` (H,), float32, for a picture of (width, height).

        The ray through the centre of pixel (u, v) is (right[u], up[v], 1).
        """
        width, height = size
        scale = self.focal * width
        right = (np.arange(width) + 0.5 - width / 2) / scale
        up = (self.horizon * height - np.arange(height) - 0.5) / scale
        return right.astype(np.float32), up.astype(np.float32)

    def project(self, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Camera coordinates (V, 3) -> pixels (V, 2), the first one's centre at 0.

        Depths are lifted to ``NEAR``.
        """
        width, height = size
        scale = self.focal * width / np.maximum(points[:, 2], self.NEAR)
        right = points[:, 0] * scale + width / 2 - 0.5
        down = self.horizon * height - 0.5 - points[:, 1] * scale
        return np.stack((right, down), axis=1)


@dataclass
class Item:
    """A mesh, or a function of the time in seconds that returns it, and its place.

    Attributes:
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
        x, z = (
            cos * x + sin * z + self.position[0] + self.velocity[0] * time,
            cos * z - sin * x + self.position[1] + self.velocity[1] * time,
        )
        return np.stack((x, y, z), axis=1).astype(np.float32)


@dataclass
class Scene:
    """A street as metres and seconds know it, without any pixel.

    Attributes:
        camera: That of time zero.
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
