"""One street with everything that stands and moves in it, and its camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from .look import Look
from .mesh import Mesh


@dataclass(frozen=True)
class Camera:
    """A pinhole camera whose picture scales with the image size.

    Attributes:
        position: (x, y, z) in metres; y is the height above ground.
        yaw: Radians, positive turns right.
        focal: Focal length as a share of the image width.
        horizon: Its height as a share of the image height, 0 at the top, reached
            by shifting the image plane: upright things stay upright.
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
        """Directions of the pixel centres with depth one.

        ``size`` is (width, height) in pixels; the ray of pixel (u, v) is (right[u],
        up[v], 1) of the returned ``right`` (W,) and ``up`` (H,) float32.
        """
        width, height = size
        scale = self.focal * width
        right = (np.arange(width) + 0.5 - width / 2) / scale
        up = (self.horizon * height - np.arange(height) - 0.5) / scale
        return right.astype(np.float32), up.astype(np.float32)

    def project(self, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Camera coordinates (V, 3) -> pixel coordinates (V, 2) float32.

        The centre of the first pixel is (0, 0); depths are lifted to ``NEAR``.
        """
        width, height = size
        scale = self.focal * width / np.maximum(points[:, 2], self.NEAR)
        return np.stack(
            (
                points[:, 0] * scale + width / 2 - 0.5,
                self.horizon * height - 0.5 - points[:, 1] * scale,
            ),
            axis=1,
        )


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
