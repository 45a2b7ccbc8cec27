"""The maps between geometry and picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .camera import Camera
from .mesh import TextureKind
from .scene import Scene


@dataclass
class GBuffer:
    """What is seen in every pixel, before any colour is decided.

    Attributes:
        size: (width, height) in pixels.
        face_map: (H, W) uint16, number of the polygon seen.
        planes: (F, 3) float32; the product with a pixel's ray is 1 / depth.
        normals: (F, 3) unit outward normals, street axes.
        labels, instances: (F,) uint8 label ids and uint16 instance ids.
        colors: (F, 3) float32 RGB, 0..255.
        textures: (F,) uint8, values of ``TextureKind``.
        variants: (F,) float32, 0..1.
        shadow: (H, W) uint8, 255 where ground would be shaded.
    """

    scene: Scene
    camera: Camera
    size: tuple[int, int]
    face_map: np.ndarray
    planes: np.ndarray
    normals: np.ndarray
    labels: np.ndarray
    instances: np.ndarray
    colors: np.ndarray
    textures: np.ndarray
    variants: np.ndarray
    shadow: np.ndarray

    @cached_property
    def depth(self) -> np.ndarray:
        """(H, W) float32 metres along the optical axis."""
        right, up = self.camera.rays(self.size)
        plane = self.planes[self.face_map]
        inverse = plane[..., 0] * right
        inverse += plane[..., 1] * up[:, None]
        inverse += plane[..., 2]
        return 1 / np.clip(inverse, 1 / 400, 1 / 0.3)

    @cached_property
    def texture_map(self) -> np.ndarray:
        """(H, W) uint8 texture kind of every pixel."""
        return self.textures[self.face_map]

    @cached_property
    def pattern_place(self) -> tuple[np.ndarray, np.ndarray]:
        """Two (H, W) float32 maps: place in the pattern, metres.

        On the ground (x, z) of the straightened street, elsewhere the way along the
        wall and the height.
        """
        right, up = self.camera.rays(self.size)
        cos = np.float32(np.cos(self.camera.yaw))
        sin = np.float32(np.sin(self.camera.yaw))
        x0, y0, z0 = (np.float32(v) for v in self.camera.position)
        x = self.depth * (cos * right + sin) + x0
        z = self.depth * (cos - sin * right) + z0
        x -= np.float32(self.scene.curve) * z * z
        y = self.depth * up[:, None] + y0
        ground = self.texture_map <= TextureKind.GRASS
        return np.where(ground, x, x + z), np.where(ground, z, y)
