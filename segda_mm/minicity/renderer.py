"""From numbers to a picture: the whole path of one frame."""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass

import cv2
import numpy as np

from .ground import lay_ground
from .labels import ID, THINGS
from .looks import LOOKS, Look
from .mesh import TextureKind
from .pavement import furnish_crossings, furnish_kerb, put_oddities
from .plots import build_backdrop, build_plots
from .rasterizer import GBuffer, rasterize
from .scene import Camera, Scene
from .street import Street
from .surface import noise_at, shade
from .traffic import drive, park_vehicles, people_side, ride
from .varied import varied_look

#: Frames per second of a snippet, as Cityscapes records them.
FRAME_RATE = 17.0

#: Smallest and largest (width, height) in pixels.
MIN_SIZE, MAX_SIZE = (128, 64), (2048, 1024)


@dataclass(frozen=True)
class Frame:
    """A rendered picture (H, W, 3), uint8 RGB, with its truth (H, W).

    ``label_ids`` are those of Cityscapes, uint8; ``instance_ids``, uint16, are
    ``label_id * 1000 + number`` for things with instances, the label id elsewhere.
    """

    image: np.ndarray
    label_ids: np.ndarray
    instance_ids: np.ndarray


def render_frame(
    look: str,
    seed: int,
    index: int,
    size: tuple[int, int],
    stream: str = '',
    step: int = 0,
) -> Frame:
    """Render one picture; equal arguments give equal pixels.

    Args:
        look: 'game' (source world), 'real' (target world), or 'varied', which has
            another look for every street.
        seed: Of the whole world, at least 0.
        index: Which street of the stream, at least 0.
        size: (width, height) in pixels, 128x64 to 2048x1024; the street does not
            depend on it.
        stream: Keeps sets apart, such as training and validation.
        step: Frames before (negative) or after the annotated moment, at 17 a second.

    Raises:
        ValueError: The look is unknown or the size out of range.
    """
    check_size(size)
    if look not in (*LOOKS, 'varied'):
        known = ', '.join(map(repr, (*LOOKS, 'varied')))
        raise ValueError(f'look is {look!r}, but must be one of {known}.')
    key = [seed, zlib.crc32(f'{look}/{stream}'.encode()), index]
    # The street, weather and exposure stay as they are along a snippet; only
    # the grain of the sensor is new in every frame.
    street, weather, grain = (
        np.random.default_rng(np.random.SeedSequence(part))
        for part in (key + [0], key + [1], key + [2, 1000 + step])
    )
    if look == 'varied':
        of_street = varied_look(
            np.random.default_rng(np.random.SeedSequence(key + [3]))
        )
    else:
        of_street = LOOKS[look]
    scene = build_scene(of_street, street)
    gbuffer = rasterize(scene, size, step / FRAME_RATE)
    colors = shade(gbuffer)
    _fill_sky(colors, gbuffer, weather)
    image = scene.look.photograph(colors, gbuffer.depth, weather, grain)
    label_ids = gbuffer.labels[gbuffer.face_map]
    instance_ids = gbuffer.instances[gbuffer.face_map]
    if scene.bonnet_color is not None:
        _mark_borders(image, label_ids, instance_ids)
    return Frame(image, label_ids, instance_ids)


def check_size(size: tuple[int, int]) -> None:
    """Raise ValueError unless a (width, height) lies in the allowed range."""
    if any(
        not low <= side <= high for low, side, high in zip(MIN_SIZE, size, MAX_SIZE)
    ):
        raise ValueError(
            f'The picture size {size[0]}x{size[1]} is out of range: the '
            f'width must be {MIN_SIZE[0]} to {MAX_SIZE[0]} and the height '
            f'{MIN_SIZE[1]} to {MAX_SIZE[1]} pixels.'
        )


def build_scene(look: Look, rng: np.random.Generator) -> Scene:
    """Draw a street; the order of the steps, which all draw, is part of the world."""
    street, layout = Street(look, rng), look.layout
    lay_ground(street)
    for side in street.sides:
        build_plots(street, side)
        furnish_kerb(street, side)
        park_vehicles(street, side)
        people_side(street, side)
    for step in (furnish_crossings, drive, ride, put_oddities, build_backdrop):
        step(street)

    used = Counter()
    for item in street.items:
        for label in THINGS.intersection(item.mesh_at(0.0).labels):
            item.instances[label] = label * 1000 + used[label]
            used[label] += 1

    height = rng.uniform(*layout.camera_height)
    x = street.road / (2 * street.lanes) + rng.normal(0, 0.25)
    camera = Camera(
        position=(x, height, 0.0),
        yaw=rng.normal(0, layout.yaw),
        focal=rng.uniform(*layout.focal),
        horizon=rng.uniform(*layout.horizon),
    )
    aside, up = rng.choice([-1, 1]) * rng.uniform(0.5, 0.9), 0.75
    sun = np.array([aside, up, rng.uniform(-0.7, 0.3)])
    return Scene(
        look=look,
        items=street.items,
        camera=camera,
        bonnet_color=street.color('bonnet') if layout.bonnet else None,
        speed=float(rng.choice([0.0, 4.0, 7.0])),
        curve=rng.normal(0, 0.0005),
        sun=tuple(sun / np.linalg.norm(sun)),
        shaded_sides=street.shaded_sides,
    )


def _fill_sky(colors: np.ndarray, gbuffer: GBuffer, rng: np.random.Generator) -> None:
    mask = gbuffer.texture_map == TextureKind.SKY
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return
    mask = mask[: rows[-1] + 1]
    right, up = gbuffer.camera.rays(gbuffer.size)
    up = up[: len(mask)]
    # Clouds flatten towards the horizon, as on a ceiling.
    distance = (40 / np.maximum(up, 0.03))[:, None]
    away = np.repeat(1.5 * distance, len(right), axis=1)
    noise = noise_at(right * distance, away)
    cloud = 0.3 * noise[..., 1] + 0.8 * noise[..., 2]
    sky = gbuffer.scene.look.sky(right, up, cloud, rng)
    colors[: len(mask)][mask] = sky[mask]


def _mark_borders(
    image: np.ndarray, label_ids: np.ndarray, instance_ids: np.ndarray
) -> None:
    """Black slivers in the lower corners, and a thin frame out of the region."""
    height, width = label_ids.shape
    sliver, tall = max(2, round(width / 160)), max(4, round(height / 5))
    border = np.zeros((height, width), np.uint8)
    for x, inner in ((0, sliver), (width - 1, width - 1 - sliver)):
        points = [(x, height - 1), (inner, height - 1), (x, height - 1 - tall)]
        cv2.fillConvexPoly(border, np.array(points, np.int32), 1)
    border = border.astype(bool)
    image[border] = 0
    frame = np.ones((height, width), bool)
    thick = max(1, round(width / 400))
    frame[thick:-thick, thick:-thick] = False
    label_ids[border] = instance_ids[border] = ID['rectification border']
    label_ids[frame] = instance_ids[frame] = ID['out of roi']
