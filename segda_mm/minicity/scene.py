"""One street with everything that stands and moves in it."""

from dataclasses import dataclass

import numpy as np

from .camera import Camera
from .item import Item
from .look import Look


@dataclass
class Scene:
    """A street as metres and seconds know it, without any pixel.

    Attributes:
        look (Look): The world that the street belongs to.
        items (list[Item]): Everything that is drawn, in no special order.
        camera (Camera): Where the picture of time zero is taken.
        speed (float): Of the camera along the street, metres per second.
        curve (float): The street bends by ``curve * z**2`` metres.
        sun (tuple): Unit vector towards the sun; (x, y, z).
        shaded_sides (list): (side, x of the building line, z0, z1, height)
            of houses, for the shadows that they throw.
        bonnet_color (tuple, optional): RGB of the own car in the picture.
    """

    look: Look
    items: list[Item]
    camera: Camera
    speed: float
    curve: float
    sun: tuple
    shaded_sides: list
    bonnet_color: tuple | None

    def camera_at(self, time):
        """The :class:`Camera` at ``time`` in seconds."""
        x, y, z = self.camera.position
        return Camera(
            (x, y, z + self.speed * time),
            self.camera.yaw,
            self.camera.focal,
            self.camera.horizon,
        )

    def bend(self, points):
        """Straight street coordinates (V, 3) -> bent ones, in place."""
        points[:, 0] += np.float32(self.curve) * points[:, 2] ** 2
        return points
