"""Colours of surfaces: pattern, light and shadow, before the photograph."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from .labels import ID
from .look import Look, Surface
from .mesh import TextureKind
from .rasterizer import GBuffer

#: Side of the random pattern in texels; it repeats without a seam.
_SIZE = 512
_TEXELS_PER_METRE = 24.0
_GROUND_IDS = [
    ID[name] for name in ('road', 'sidewalk', 'parking', 'rail track', 'terrain')
]


@lru_cache(maxsize=1)
def noise_pattern() -> np.ndarray:
    """Fine, middle and coarse noise, the same in every process.

    Returns:
        (512, 512, 3) float32, each channel with mean 0 and standard deviation 1,
        clipped to -2.5..2.5; structures of about 1.5, 7 and 40 texels.
    """
    rng = np.random.default_rng(20)
    frequency = np.fft.fftfreq(_SIZE)
    squared = frequency[:, None] ** 2 + frequency[None, : _SIZE // 2 + 1] ** 2
    channels = []
    for width in (0.6, 2.6, 14.0):
        spectrum = np.fft.rfft2(rng.standard_normal((_SIZE, _SIZE)))
        spectrum *= np.exp(-2 * (np.pi * width) ** 2 * squared)
        channel = np.fft.irfft2(spectrum, s=(_SIZE, _SIZE))
        channel -= channel.mean()
        channels.append(np.clip(channel / channel.std(), -2.5, 2.5))
    return np.stack(channels, axis=2).astype(np.float32)


def noise_at(along: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Look the noise up at places (H, W) in texels, (H, W, 3) float32."""
    return cv2.remap(
        noise_pattern(),
        np.mod(along, _SIZE),
        np.mod(up, _SIZE),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )


def shade(gbuffer: GBuffer) -> np.ndarray:
    """Colour every pixel of a street but the sky, which is left at 0.

    Returns:
        (H, W, 3) float32 RGB, nominally 0..255.
    """
    scene, look = gbuffer.scene, gbuffer.scene.look
    surface = look.surface
    light = _light(gbuffer.normals, scene.sun, look.sun)
    lit = (gbuffer.colors * light[:, None]).astype(np.float32)
    colors = np.take(lit, gbuffer.face_map, axis=0)
    kinds = gbuffer.texture_map
    along, up = gbuffer.pattern_place
    scale = np.full(len(TextureKind), _TEXELS_PER_METRE, np.float32)
    scale[TextureKind.FOLIAGE] *= surface.foliage[0]
    scale = scale[kinds]
    noise = noise_at(along * scale, up * scale).reshape(-1, 3)
    footprint = gbuffer.depth / np.float32(gbuffer.camera.focal * gbuffer.size[0])

    def part_of(pixels: np.ndarray) -> _Pixels:
        maps = (along, up, footprint)
        return _Pixels(noise[pixels], *(m.ravel()[pixels] for m in maps))

    gain = np.ones(kinds.size, np.float32)
    for kind, pattern in _PATTERNS.items():
        pixels = np.flatnonzero(kinds == kind)
        if len(pixels):
            gain[pixels] = pattern(surface, part_of(pixels))
    gain *= _soft_shadow(gbuffer, look).ravel()
    flat = colors.reshape(-1, 3)
    flat *= np.maximum(gain, 0.12)[:, None]
    pixels = np.flatnonzero(kinds == TextureKind.FACADE)
    variant = gbuffer.variants[gbuffer.face_map.ravel()[pixels]]
    flat[pixels] = _windows(flat[pixels], surface, part_of(pixels), variant)
    return colors


class _Pixels(NamedTuple):
    """Some pixels: noise (P, 3), place in the pattern and size (P,) in metres."""

    noise: np.ndarray
    along: np.ndarray
    up: np.ndarray
    footprint: np.ndarray


def _fine(at: _Pixels) -> np.ndarray:
    """Fine grain; it melts away where a pixel covers many grains."""
    return at.noise[:, 0] * np.minimum(0.06 / (at.footprint + 0.01), 1)


# Every pattern returns the gain of its pixels, around 1.


def _asphalt(surface: Surface, at: _Pixels) -> np.ndarray:
    grain, patches = surface.asphalt
    return 1 + grain * _fine(at) + patches * at.noise[:, 2]


def _paving(surface: Surface, at: _Pixels) -> np.ndarray:
    slab, joint = surface.paving
    visible = np.clip(slab / (6 * at.footprint) - 0.3, 0, 1)
    edge = np.minimum(_from_edge(at.along, slab), _from_edge(at.up, slab))
    gain = 1 + 0.03 * _fine(at) + 0.04 * at.noise[:, 2]
    return gain - joint * visible * (edge < 0.07)


def _grass(surface: Surface, at: _Pixels) -> np.ndarray:
    return 1 + surface.grass * (_fine(at) + at.noise[:, 1]) / 1.4


def _foliage(surface: Surface, at: _Pixels) -> np.ndarray:
    leaves = 0.45 * _fine(at) + at.noise[:, 1:] @ np.array([0.8, 0.3], np.float32)
    return 1 + surface.foliage[1] * leaves


def _brick(surface: Surface, at: _Pixels) -> np.ndarray:
    row = np.floor(at.up / 0.35)
    joints = (_from_edge(at.up, 0.35) < 0.1) | (
        _from_edge(at.along + 0.35 * (row % 2), 0.7) < 0.06
    )
    seen = np.clip(0.12 / at.footprint - 0.5, 0, 1)
    stones = 0.3 * _fine(at) + 0.6 * at.noise[:, 1]
    return 1 + surface.brick * (stones - 1.3 * joints * seen)


def _slats(surface: Surface, at: _Pixels) -> np.ndarray:
    seen = np.clip(0.1 / at.footprint - 0.4, 0, 1)
    return (
        1
        - 0.45 * seen * (_from_edge(at.along, 0.34) < 0.2)
        + 0.25 * (_from_edge(at.up, 0.7) < 0.1)
    )


def _gloss(surface: Surface, at: _Pixels) -> np.ndarray:
    return 1 + surface.gloss * (
        0.35 * np.sin(2.2 * at.up + 0.7) + 0.06 * at.noise[:, 1]
    )


def _facade(surface: Surface, at: _Pixels) -> np.ndarray:
    return 1 + surface.wall_noise * (_fine(at) + at.noise[:, 2])


_PATTERNS = {
    TextureKind.ASPHALT: _asphalt,
    TextureKind.PAVING: _paving,
    TextureKind.GRASS: _grass,
    TextureKind.FOLIAGE: _foliage,
    TextureKind.BRICK: _brick,
    TextureKind.SLATS: _slats,
    TextureKind.GLOSS: _gloss,
    TextureKind.FACADE: _facade,
}


def _light(normals: np.ndarray, sun: tuple, clear: float) -> np.ndarray:
    """Light on every face, (F,) float32: sky from above, sun from aside."""
    sky = 0.82 + 0.18 * normals[:, 1]
    direct = np.clip(normals @ np.asarray(sun), 0, 1)
    light = (1 - 0.42 * clear) * sky + 0.62 * clear * direct
    return light.astype(np.float32)


def _from_edge(place: np.ndarray, period: float) -> np.ndarray:
    """Distance to the nearest multiple of a period, 0..0.5 periods."""
    share = place / period
    return np.abs(share - np.round(share))


def _windows(
    wall: np.ndarray, surface: Surface, at: _Pixels, variant: np.ndarray
) -> np.ndarray:
    """Facades (P, 3) with windows, and with shop fronts on the ground floor."""
    width = surface.bay[0] * (0.75 + 0.6 * variant)
    height = surface.bay[1] * (0.9 + 0.25 * ((7 * variant) % 1))
    column = at.along / width + 13 * variant
    storey = (at.up - 0.4) / height
    shop = storey < 1
    across = np.abs(column - np.floor(column) - 0.5)
    within = np.abs(storey - np.floor(storey) - 0.48)
    half = 0.5 * surface.window_size[0] * (0.8 + 0.4 * ((3 * variant) % 1))
    half = np.where(shop, 0.42, half)
    tall = np.where(shop, 0.36, 0.5 * surface.window_size[1])
    glass = (across < half) & (within < tall)
    frame = (across < half + 0.05) & (within < tall + 0.04) & ~glass
    # A cheap hash of the window's place: the golden ratio spreads it evenly.
    number = np.floor(column) * 0.618034 + np.floor(storey) * 0.754878
    chance = number + 7 * variant
    chance = chance - np.floor(chance)
    pane = (
        np.asarray(surface.window, np.float32)
        * (1 + surface.window_spread * (2 * chance - 1))[:, None]
    )
    # Windows smaller than a few pixels would only flicker.
    seen = np.clip(width / (5 * at.footprint) - 0.4, 0, 1)
    share = (0.92 * seen * glass)[:, None]
    wall = wall * (1 + 0.14 * seen * frame)[:, None]
    return wall * (1 - share) + pane * share


def _soft_shadow(gbuffer: GBuffer, look: Look) -> np.ndarray:
    """Share of the light that is left, (H, W) float32."""
    strength = 0.35 + 0.2 * look.sun
    sigma = gbuffer.size[0] * (0.0012 if look.sun else 0.006)
    shadow = cv2.GaussianBlur(gbuffer.shadow, (0, 0), max(sigma, 0.4))
    ground = gbuffer.texture_map <= TextureKind.GRASS
    ground |= np.isin(gbuffer.labels, _GROUND_IDS)[gbuffer.face_map]
    return 1 - (strength / 255) * np.where(ground, shadow, 0).astype(np.float32)
