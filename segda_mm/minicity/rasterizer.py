"""Turns a street into the maps that labels and colours are made from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import cv2
import numpy as np

from .labels import ID
from .mesh import TextureKind
from .scene import Camera, Scene

_SKY_DISTANCE = 400.0
_SUBPIXEL_BITS = 4


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


def rasterize(scene: Scene, size: tuple[int, int], time: float = 0.0) -> GBuffer:
    """Draw a street from back to front.

    Args:
        scene: The street.
        size: (width, height) in pixels.
        time: Seconds from the annotated frame.
    """
    camera = scene.camera_at(time)
    faces, corners = _gather(scene, time)
    view = camera.to_camera(scene.bend(corners))
    first = np.cumsum(faces['sizes']) - faces['sizes']
    start = view[first]
    normals = np.cross(view[first + 1] - start, view[first + 2] - start)
    offsets = np.einsum('fc,fc->f', normals, start)

    nearest = np.minimum.reduceat(view[:, 2], first)
    farthest = np.maximum.reduceat(view[:, 2], first)
    # The camera sits at the origin: it is in front of a face whose outward
    # normal points back to it.
    visible = (faces['facing'] * offsets <= 0) & (farthest > camera.NEAR)
    pixels = camera.project(view, size)
    whole = nearest > camera.NEAR
    low = np.minimum.reduceat(pixels, first)
    high = np.maximum.reduceat(pixels, first)
    outside = whole & (
        (high < 0).any(axis=1) | (low[:, 0] > size[0]) | (low[:, 1] > size[1])
    )
    order = np.flatnonzero(visible & ~outside)
    order = order[np.argsort(faces['ranks'][order], kind='stable')]

    # Face 0 is the sky behind everything; the last one is the own car.
    count = len(order) + 2
    face_map = np.zeros((size[1], size[0]), np.uint16)
    fixed = _fixed_point(pixels)
    foliage = faces['textures'] == TextureKind.FOLIAGE
    for number, index in enumerate(order, start=1):
        span = slice(first[index], first[index] + faces['sizes'][index])
        polygon = fixed[span]
        if not whole[index]:
            polygon = _clip_near(view[span], camera, size)
        if foliage[index]:
            cv2.fillPoly(face_map, [polygon], number, shift=_SUBPIXEL_BITS)
        else:
            cv2.fillConvexPoly(face_map, polygon, number, shift=_SUBPIXEL_BITS)
    if scene.bonnet_color is not None:
        _draw_bonnet(face_map, count - 1)

    # 1 / depth is linear in the ray of a flat face.
    offsets = offsets[order]
    offsets = np.where(np.abs(offsets) < 1e-6, 1e-6, offsets)
    planes = np.zeros((count, 3), np.float32)
    planes[1:-1] = normals[order] / offsets[:, None]
    planes[0, 2], planes[-1, 2] = 1 / _SKY_DISTANCE, 1.0
    outward = np.zeros((count, 3), np.float32)
    length = np.linalg.norm(normals[order], axis=1) + 1e-9
    sign = np.where(
        faces['facing'][order] == 0, -np.sign(offsets), faces['facing'][order]
    )
    outward[1:-1] = normals[order] * (sign / length)[:, None]
    bonnet = scene.bonnet_color or (0, 0, 0)

    def per_face(name: str, sky: object, own_car: object) -> np.ndarray:
        values = faces[name][order]
        first, last = (np.asarray([edge], values.dtype) for edge in (sky, own_car))
        return np.concatenate((first, values, last))

    return GBuffer(
        scene=scene,
        camera=camera,
        size=size,
        face_map=face_map,
        planes=planes,
        normals=camera.to_street(outward),
        labels=per_face('labels', ID['sky'], ID['ego vehicle']),
        instances=per_face('instances', ID['sky'], ID['ego vehicle']),
        colors=per_face('colors', (0, 0, 0), bonnet),
        textures=per_face('textures', TextureKind.SKY, TextureKind.GLOSS),
        variants=per_face('variants', 0, 0),
        shadow=_draw_shadows(scene, camera, size, time),
    )


def _gather(scene: Scene, time: float) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """All polygons of the street in one set of arrays, with draw ranks."""
    meshes = [item.mesh_at(time) for item in scene.items]
    in_item = np.array([len(mesh.sizes) for mesh in meshes])
    points_in_item = np.array([len(mesh.points) // 3 for mesh in meshes])

    def collect(name: str, dtype: type) -> np.ndarray:
        parts = (getattr(mesh, name) for mesh in meshes)
        return np.array(list(chain.from_iterable(parts)), dtype)

    faces = dict(
        sizes=collect('sizes', np.int32),
        labels=collect('labels', np.uint8),
        colors=collect('colors', np.float32),
        textures=collect('textures', np.uint8),
        variants=collect('variants', np.float32),
    )
    corners = np.concatenate(
        [np.frombuffer(mesh.points, np.float32) for mesh in meshes]
    )
    corners = corners.reshape(-1, 3)
    hidden = [
        (np.nan,) * 3 if point is None else point
        for mesh in meshes
        for point in mesh.insides
    ]
    first = np.cumsum(faces['sizes']) - faces['sizes']
    start = corners[first]
    normals = np.cross(corners[first + 1] - start, corners[first + 2] - start)
    # The sign that turns a normal outwards; 0 when both sides are seen.
    inward = start - np.array(hidden, np.float32)
    faces['facing'] = np.sign(np.nan_to_num(np.einsum('fc,fc->f', normals, inward)))

    faces['instances'] = faces['labels'].astype(np.uint16)
    begins = np.cumsum(in_item) - in_item
    for item, begin, count in zip(scene.items, begins, in_item):
        span = slice(begin, begin + count)
        for label, instance in item.instances.items():
            mine = faces['labels'][span] == label
            faces['instances'][span][mine] = instance

    pose = np.array(
        [
            (
                item.position[0] + item.velocity[0] * time,
                item.position[1] + item.velocity[1] * time,
                np.cos(item.heading),
                np.sin(item.heading),
            )
            for item in scene.items
        ],
        np.float32,
    )
    shift_x, shift_z, cos, sin = np.repeat(pose, points_in_item, axis=0).T
    x, y, z = corners.T
    placed = np.stack(
        (cos * x + sin * z + shift_x, y, cos * z - sin * x + shift_z), axis=1
    )

    # Layer by layer, the far before the near.
    depth = np.minimum.reduceat(
        placed[:, 2], np.cumsum(points_in_item) - points_in_item
    )
    layers = [item.layer for item in scene.items]
    rank = np.empty(len(meshes), np.int32)
    rank[np.lexsort((-depth, layers))] = np.arange(len(meshes))
    faces['ranks'] = np.repeat(rank, in_item)
    return faces, placed


def _clip_near(
    polygon: np.ndarray, camera: Camera, size: tuple[int, int]
) -> np.ndarray:
    """Cut a polygon in camera coordinates at the near plane, to pixels."""
    corners = polygon.tolist()
    kept = []
    for a, b in zip(corners, corners[1:] + corners[:1]):
        da, db = a[2] - camera.NEAR, b[2] - camera.NEAR
        if da >= 0:
            kept.append(a)
        if da * db < 0:
            share = da / (da - db)
            kept.append([p + (q - p) * share for p, q in zip(a, b)])
    pixels = camera.project(np.array(kept, np.float32), size)
    return _fixed_point(pixels)


def _fixed_point(pixels: np.ndarray) -> np.ndarray:
    """Pixel coordinates as OpenCV's drawing with ``shift`` wants them, int32."""
    return np.round(pixels * (1 << _SUBPIXEL_BITS)).astype(np.int32)


def _draw_bonnet(face_map: np.ndarray, number: int) -> None:
    height, width = face_map.shape
    across = np.linspace(-0.02, 1.02, 40)
    curve = 0.885 + 0.42 * np.abs(across - 0.5) ** 2.6
    points = np.stack((across * width, curve * height), axis=1)
    corners = [(1.02 * width, 1.1 * height), (-0.02 * width, 1.1 * height)]
    polygon = np.concatenate((points, corners))
    cv2.fillPoly(face_map, [_fixed_point(polygon)], number, shift=_SUBPIXEL_BITS)


def _draw_shadows(
    scene: Scene, camera: Camera, size: tuple[int, int], time: float
) -> np.ndarray:
    """Where the ground lies in shadow, (H, W) uint8, 0 or 255."""
    shadow = np.zeros((size[1], size[0]), np.uint8)
    sun = np.array(scene.sun)
    slope = scene.look.sun * sun[[0, 2]] / sun[1]
    # Things shade the ground that they stand on; when the sun shines, things
    # and houses throw a shadow away from it too.
    polygons = []
    for item in scene.items:
        if item.shadow is None:
            continue
        half, length = item.shadow
        box = np.array(
            [(x, 0, z) for x in (-half, half) for z in (-length, length)], np.float32
        )
        base = item.place(1.03 * box, time)
        thrown = base.copy()
        thrown[:, [0, 2]] -= 1.5 * slope
        hull = cv2.convexHull(np.concatenate((base, thrown))[:, [0, 2]])[:, 0]
        polygons.append(np.stack((hull[:, 0], np.zeros(len(hull)), hull[:, 1]), axis=1))
    if scene.look.sun:
        for side, x, z0, z1, height in scene.shaded_sides:
            if side * sun[0] > 0:
                dx, dz = -0.6 * height * slope
                line = np.array([(x, 0, z0), (x, 0, z1)])
                polygons.append(np.concatenate((line, line[::-1] + (dx, 0, dz))))
    for polygon in polygons:
        view = camera.to_camera(scene.bend(polygon.astype(np.float32)))
        if view[:, 2].max() > camera.NEAR:
            cv2.fillConvexPoly(
                shadow, _clip_near(view, camera, size), 255, shift=_SUBPIXEL_BITS
            )
    return shadow
