"""One thing that stands or moves in the street."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .mesh import Mesh


@dataclass
class Item:
    """A mesh with its place, speed and instance numbers.

    Attributes:
        mesh (Mesh or Callable): The shape, or a function of the time in
            seconds that returns it (a walking person).
        position (tuple): (x, z) of the mesh's origin at time zero, metres.
        heading (float): Radians; 0 looks along the street.
        velocity (tuple): (x, z) in metres per second.
        layer (int): Lower layers are drawn first: 0 the ground, 1 what stands
            behind the pavement, 2 what stands between the building lines.
        shadow (tuple, optional): (half width, half length) of its contact
            shadow in metres.
        instances (dict): Label id -> instance id, for labels with instances.
    """

    mesh: Mesh | Callable
    position: tuple = (0.0, 0.0)
    heading: float = 0.0
    velocity: tuple = (0.0, 0.0)
    layer: int = 2
    shadow: tuple | None = None
    instances: dict = field(default_factory=dict)

    def mesh_at(self, time):
        """The :class:`Mesh` at ``time`` in seconds."""
        return self.mesh(time) if callable(self.mesh) else self.mesh

    def place(self, points, time):
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
