"""A look that is drawn anew for every street: wider than any one world."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import cv2
import numpy as np

from .looks import LOOKS, Look

#: What the varied look has beyond what lies between the game and the real look:
#: (low, high) of the value, or of the range that a street draws from.
_WIDER = dict(
    camera_height=(1.1, 2.4),
    focal=(0.62, 1.15),
    horizon=(0.40, 0.60),
    yaw=(0.02, 0.12),
    road_half_width=(2.8, 9.0),
    sidewalk_width=(1.2, 5.5),
    building_height=(4, 22),
    lamp_spacing=(9, 34),
    signs=(0.8, 4.0),
    pedestrians=(2.0, 14.0),
    riders=(0.5, 3.0),
    bare_trees=(0.0, 1.0),
)
#: Colours of materials that neither look has: pale and dark fronts, brick, pavements
#: as grey as the road, winter trees, black railings.
_MORE_COLORS = dict(
    asphalt='5a5a5c 8c8a88 6e7076',
    sidewalk='5e5e60 767472 8e8c88 a49c94',
    kerb='74746f b0aeaa',
    facade='6e4638 8a5a48 e6e0d4 4c443e c8b48c',
    leaf='6e6a58 8a8474 4e5a38',
    fence='202224 d8d8d4',
    pole='1e2022 9a9c9c',
    paint='7a1e22 2c3e2c e8e8e8',
    cloth='1c1c20 3c4660 8c8478 c8c4bc',
)


def varied_look(rng: np.random.Generator) -> Look:
    """Draw the look of one street.

    Layout, surfaces and colours lie between those of the game and of the real look
    or beyond them; light, sky, lens and sensor are drawn too.
    """
    game, real = LOOKS['game'], LOOKS['real']
    surface = {
        name: _between(rng, a, getattr(real.surface, name))
        for name, a in vars(game.surface).items()
    }
    sun = float(rng.choice([0.0, rng.uniform(0.2, 1.0)]))
    return Look(
        layout=SimpleNamespace(**_layout(rng, vars(game.layout), vars(real.layout))),
        colors={
            name: _colors(rng, name, choices + real.colors[name])
            for name, choices in game.colors.items()
        },
        color_spread=rng.uniform(6, 14),
        surface=SimpleNamespace(**surface),
        sun=sun,
        sky=_sky(rng, game.sky, real.sky),
        photograph=_photograph(rng),
    )


def _between(rng: np.random.Generator, a: object, b: object) -> object:
    """A value between two of a kind, and up to a third of their distance beyond."""
    if isinstance(a, dict):
        share = rng.uniform()
        return {key: (1 - share) * a[key] + share * b[key] for key in a}
    low, high = np.minimum(a, b), np.maximum(a, b)
    value = rng.uniform(low - (high - low) / 3, high + (high - low) / 3)
    value = np.maximum(value, 0.3 * low)
    return tuple(value.tolist()) if isinstance(a, tuple) else float(value)


def _layout(rng: np.random.Generator, game: dict, real: dict) -> dict:
    layout = {}
    for name, value in game.items():
        wider = _WIDER.get(name)
        if isinstance(value, bool):
            layout[name] = False
        elif wider is None:
            layout[name] = _between(rng, value, real[name])
        elif isinstance(value, tuple):
            layout[name] = wider
        else:
            layout[name] = rng.uniform(*wider)
    return layout


def _colors(rng: np.random.Generator, name: str, choices: list[tuple]) -> list[tuple]:
    """Three colours of a street: some of the table, lighter, darker and greyer."""
    choices = [color for color in choices if color]
    choices += [
        tuple(bytes.fromhex(code)) for code in _MORE_COLORS.get(name, '').split()
    ]
    chosen = np.array(choices, float)[rng.integers(len(choices), size=3)]
    grey = chosen.mean(1, keepdims=True)
    # Paint, clothes and signs keep their colour more often than stone does.
    mixed = rng.uniform(0, 0.4 if name in ('paint', 'cloth') else 0.9)
    chosen = grey + (1 - mixed) * (chosen - grey)
    chosen = chosen * rng.uniform(0.7, 1.25) + rng.normal(0, 5, 3)
    return [tuple(color) for color in np.clip(chosen, 8, 250).tolist()]


def _sky(rng: np.random.Generator, clear: Callable, grey: Callable) -> Callable:
    """Clear, grey, or overexposed to white with or without a trace of blue."""
    kind = rng.uniform()
    if kind < 0.3:
        return clear
    if kind < 0.6:
        return grey
    return partial(_white_sky, blue=rng.uniform(0, 0.5), sky=clear)


def _white_sky(
    right: np.ndarray,
    up: np.ndarray,
    cloud: np.ndarray,
    rng: np.random.Generator,
    blue: float,
    sky: Callable,
) -> np.ndarray:
    return 255 - np.float32(blue) * (255 - sky(right, up, cloud, rng))


def _photograph(rng: np.random.Generator) -> Callable:
    """A camera: its contrast, colours, sharpness, grain and compression."""
    return partial(
        _expose,
        haze=rng.uniform(0, 0.35),
        saturation=rng.uniform(0.4, 1.1),
        cast=np.float32(rng.normal(1, 0.035, 3)),
        gain=np.float32(rng.uniform(0.6, 1.35)),
        gamma=np.float32(rng.uniform(0.75, 1.5)),
        lift=np.float32(rng.uniform(0, 14)),
        blur=rng.uniform(0.3, 0.7),
        grain_strength=np.float32(rng.uniform(0, 6)),
        quality=int(rng.integers(50, 96)),
    )


def _expose(
    colors: np.ndarray,
    distance: np.ndarray,
    weather: np.random.Generator,
    grain: np.random.Generator,
    haze: float,
    saturation: float,
    cast: np.ndarray,
    gain: np.float32,
    gamma: np.float32,
    lift: np.float32,
    blur: float,
    grain_strength: np.float32,
    quality: int,
) -> np.ndarray:
    share = haze * (1 - np.exp(-distance / 150))[..., None].astype(np.float32)
    picture = colors * (1 - share) + np.float32(205) * share
    luma = picture.mean(2, keepdims=True)
    picture = luma + np.float32(saturation) * (picture - luma)
    picture = np.clip(picture * cast * gain, 0, 255) / 255
    picture = lift + (255 - lift) * picture**gamma
    width = distance.shape[1]
    picture = cv2.GaussianBlur(picture, (0, 0), blur + width / 2600)
    speckle = grain.standard_normal(distance.shape, np.float32)[..., None]
    picture = np.clip(picture + grain_strength * speckle + 0.5, 0, 255)
    setting = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, packed = cv2.imencode('.jpg', picture.astype(np.uint8)[..., ::-1], setting)
    return np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1])
