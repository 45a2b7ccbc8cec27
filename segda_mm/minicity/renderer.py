"""From numbers to a picture: the whole path of one frame."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import cv2
import numpy as np

from .game_look import GAME_LOOK
from .labels import ID
from .mesh import TextureKind
from .rasterizer import GBuffer, rasterize
from .real_look import REAL_LOOK
from .street_builder import build_scene
from .surface import noise_at, shade

#: The two worlds by name.
LOOKS = {look.name: look for look in (GAME_LOOK, REAL_LOOK)}

#: Frames per second of a snippet, as Cityscapes records them.
FRAME_RATE = 17.0

#: Smallest and largest (width, height) in pixels.
MIN_SIZE, MAX_SIZE = (128, 64), (2048, 1024)


@dataclass(frozen=True)
class Frame:
    """A rendered picture with its truth.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        label_ids: (H, W) uint8 Cityscapes label ids.
        instance_ids: (H, W) uint16; ``label_id * 1000 + number`` for things with
            instances, the label id elsewhere.
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

    The street does not depend on the size.

    Args:
        look: 'game' (source world) or 'real' (target world).
        seed: Of the whole world, at least 0.
        index: Which street of the stream, at least 0.
        size: (width, height) in pixels, 128x64 to 2048x1024.
        stream: Keeps sets apart, such as training and validation.
        step: Frames before (negative) or after the annotated moment, at 17 frames
            per second.

    Raises:
        ValueError: The look is unknown or the size out of range.
    """
    check_size(size)
    if look not in LOOKS:
        raise ValueError(
            f'look is {look!r}, but must be one of {", ".join(map(repr, LOOKS))}.'
        )
    key = [seed, zlib.crc32(f'{look}/{stream}'.encode()), index]
    # The street, weather and exposure stay as they are along a snippet; only
    # the grain of the sensor is new in every frame.
    street, weather, grain = (
        np.random.default_rng(np.random.SeedSequence(part))
        for part in (key + [0], key + [1], key + [2, 1000 + step])
    )
    scene = build_scene(LOOKS[look], street)
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
    inside = all(
        low <= side <= high for low, side, high in zip(MIN_SIZE, size, MAX_SIZE)
    )
    if not inside:
        raise ValueError(
            f'The picture size {size[0]}x{size[1]} is out of range: the '
            f'width must be {MIN_SIZE[0]} to {MAX_SIZE[0]} and the height '
            f'{MIN_SIZE[1]} to {MAX_SIZE[1]} pixels.'
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
    sliver = max(2, round(width / 160))
    tall = max(4, round(height / 5))
    border = np.zeros((height, width), np.uint8)
    for x, inner in ((0, sliver), (width - 1, width - 1 - sliver)):
        points = [(x, height - 1), (inner, height - 1), (x, height - 1 - tall)]
        cv2.fillConvexPoly(border, np.array(points, np.int32), 1)
    border = border.astype(bool)
    image[border] = 0
    frame = np.ones((height, width), bool)
    thick = max(1, round(width / 400))
    frame[thick:-thick, thick:-thick] = False
    for mask, name in (
        (frame, 'out of roi'),
        (border & ~frame, 'rectification border'),
    ):
        label_ids[mask] = instance_ids[mask] = ID[name]
