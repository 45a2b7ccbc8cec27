"""Somebody's own data in small: coloured masks, a folder and a video without labels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

CLASSES = dict(
    road=[128, 64, 128],
    car=[0, 0, 142],
    person=[220, 20, 60],
    sky=[70, 130, 180],
    other=[70, 70, 70],
)
_COLORS = np.array(list(CLASSES.values()), np.uint8)
_HEIGHT, _WIDTH = 96, 128


def write_own_streets(folder: Path) -> None:
    """Write ``my/images``, ``my/masks``, ``my_target`` and ``drive.mp4``.

    12 images with masks in the colours of :data:`CLASSES`; in dimmer light, 4 images
    and 12 frames without.
    """
    for name in ('my/images', 'my/masks', 'my_target'):
        (folder / name).mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for index in range(12):
        image, labels = _street(rng, 1.0)
        Image.fromarray(image).save(folder / f'my/images/{index:03}.jpg')
        Image.fromarray(_COLORS[labels]).save(folder / f'my/masks/{index:03}.png')
    for index in range(4):
        Image.fromarray(_street(rng, 0.6)[0]).save(folder / f'my_target/{index}.png')
    frames = [_street(rng, 0.6)[0] for _ in range(12)]
    _write_frames(folder / 'drive.mp4', frames, rate=10)


def write_video(path: str | Path, count: int, rate: float) -> None:
    """Write a video of gray frames, each 20 levels brighter than the one before."""
    frames = [
        np.full((_HEIGHT, _WIDTH, 3), 20 * i % 256, np.uint8) for i in range(count)
    ]
    _write_frames(path, frames, rate)


def _write_frames(path: str | Path, frames: list[np.ndarray], rate: float) -> None:
    code = cv2.VideoWriter_fourcc(*'mp4v')
    writer = cv2.VideoWriter(str(path), code, rate, (_WIDTH, _HEIGHT))
    for frame in frames:
        writer.write(frame[..., ::-1])
    writer.release()


def _street(rng: np.random.Generator, light: float) -> tuple[np.ndarray, np.ndarray]:
    labels = np.full((_HEIGHT, _WIDTH), 4, np.uint8)
    labels[:40], labels[60:] = 3, 0
    car, person = rng.integers(5, 90), rng.integers(5, 110)
    labels[55:75, car : car + 25], labels[45:70, person : person + 6] = 1, 2
    noise = rng.normal(0, 12, (_HEIGHT, _WIDTH, 3))
    image = _COLORS[labels] * light + noise
    return np.clip(image, 0, 255).astype(np.uint8), labels
