"""A pinhole camera above the street."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
