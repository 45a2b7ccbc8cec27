"""The two worlds: how each is built, coloured, lit and photographed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import cv2
import numpy as np

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Look:
    """One world.

    Attributes:
        layout: Pairs are (low, high) of a uniform draw; lengths are metres, the
            others probabilities or mean counts, dicts kinds and their weights.
        colors: Material -> RGB triples, 0..255.
        color_spread: Standard deviation of a thing's colour, 0..255.
        surface: Strength, size and style of the surface patterns.
        sun: 0 overcast .. 1 clear; length and depth of shadows.
        sky: (right (W,), up (H,), cloud (H, W), rng) -> colours (H, W, 3)
            float32, 0..255, ``right`` and ``up`` as in ``Camera.rays``.
        photograph: (colours (H, W, 3) float32 0..255, distance (H, W) float32
            metres, weather, grain) -> picture (H, W, 3) uint8 RGB; the generators
            decide what a snippet shares and what is new in every frame.
    """

    layout: SimpleNamespace
    colors: dict[str, list[tuple]]
    color_spread: float
    surface: SimpleNamespace
    sun: float
    sky: Callable
    photograph: Callable


# Every entry of these tables is (game, real).

_LAYOUT = dict(
    camera_height=((1.5, 2.3), (1.15, 1.35)),
    focal=((0.66, 0.78), (0.86, 0.96)),
    horizon=((0.44, 0.54), (0.40, 0.46)),
    road_half_width=((4.5, 9.0), (3.5, 6.4)),
    sidewalk_width=((2.2, 4.5), (2.8, 5.5)),
    building_height=((5, 22), (9, 20)),
    plots=(
        dict(building=0.55, park=0.22, wall=0.13, fence=0.12),
        dict(building=0.66, park=0.17, wall=0.08, fence=0.09),
    ),
    verge=(0.45, 0.4),
    parking=(0.5, 0.55),
    rail=(0.15, 0.2),
    street_trees=(0.35, 0.45),
    lamp_spacing=((18, 34), (14, 28)),
    signs=(0.9, 1.5),
    lights=(0.8, 0.85),
    parked=(0.4, 0.62),
    traffic=(20.0, 24.0),
    traffic_kinds=(
        dict(car=0.83, truck=0.1, bus=0.07),
        dict(car=0.9, truck=0.05, bus=0.05),
    ),
    pedestrians=(3.5, 5.0),
    riders=(0.8, 1.1),
    parked_cycles=(0.15, 0.35),
    oddities=(1.0, 0.8),
    bonnet=(False, True),
    yaw=(0.03, 0.03),
    bare_trees=(0.0, 0.0),
)

_COLORS = dict(
    asphalt=('767472 68686c 84807a', '54565c 484a50 626062'),
    marking=('f4f4f0 f6d046', 'bebeb6'),
    sidewalk=('c6beae cebaa0 babab8', '7e7470 706e70 8a7a6c'),
    kerb=('d8d4cc', '969694'),
    parking=('968c84', '64605c'),
    rail=('8e7a62', '605a52'),
    terrain=('70a83c 88ac48 ac9654', '5c6234 545e3a 706646'),
    facade=(
        'e2c08c ce7858 f0e2c4 96b0c8 d6a068 c4ccbe e89682',
        'a89e8a 807062 beb8aa 746056 969694 b09c74 626468',
    ),
    roof=('aa4a34 78483a 606878', '684238 4a484a 58463e'),
    leaf=('3c8e2c 54a032 2c7834', '3e4c28 4a542c 32402a 5c582e'),
    bark=('704e32', '463e36'),
    wall=('be8264 c8beaa a89e94', '80786e 705e54 8e8a84'),
    fence=('966034 ecece6 46604e', '5c5854 464e4a 766858'),
    pole=('5c626a 464c46', '686a68 4e5250'),
    static=('3c6450 785a3c', '484c4a 605a46'),
    paint=(
        'd62024 1e50c8 f4f4f4 fac41e 282c32 3ca05a bec2c8 e66e1e',
        '26282c a8acae 5c6066 cececa 363e5c 6e2426 1a1c1e 46544e',
    ),
    truck=('e63c28 3264c8 f0f0ec', 'c4c4be 3c5078 963c32'),
    bus=('e6821e 2882c8 d2283c', 'c4ba96 963c36 607882'),
    train=('c83228 3c5aaa', 'ceaa3c aa3c38 788c82'),
    trailer=('dcdcd6', '787a78'),
    caravan=('f0ecdc', 'c8c6bc'),
    bonnet=('', '24262a'),
    skin=('e8b896 966446 d09670', 'cea892 785440 be9278'),
    hair=('3c281a 1e1a18 be9650', '2e2620 1a1818 786854'),
    cloth=(
        'e63c3c 325ac8 fafaf6 46aa6e f0c83c b446aa',
        '282a32 46484c 343c5c 782e30 969288 424e3c',
    ),
    trousers=('283c78 3c3836 b4a078', '242834 2e2e30 5c564c'),
)

_SURFACE = dict(
    asphalt=((0.035, 0.025), (0.10, 0.11)),  # contrast, fine and of patches
    paving=((1.2, 0.2), (0.5, 0.3)),  # slab in metres, contrast of its joints
    grass=(0.10, 0.24),
    foliage=((0.55, 0.22), (1.3, 0.42)),  # noise repeats per metre, contrast
    wall_noise=(0.015, 0.07),
    brick=(0.14, 0.22),
    window=((70, 104, 140), (74, 78, 80)),  # RGB
    window_spread=(0.3, 0.75),  # how much panes differ, 0..1
    window_size=((0.5, 0.52), (0.38, 0.6)),  # share of the bay, across and upwards
    bay=((2.6, 3.1), (1.9, 3.3)),  # width and height in metres
    gloss=(0.35, 0.4),  # contrast of the reflection on paint and glass
)


def _clear_sky(
    right: np.ndarray, up: np.ndarray, cloud: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    height = np.clip(up / 0.4, 0, 1)[:, None, None]
    low = np.array([176, 212, 240], np.float32)
    high = np.array([54, 122, 220], np.float32)
    sky = low + (high - low) * np.repeat(height, len(right), axis=1)
    amount = rng.uniform(0.1, 0.9)
    cover = np.clip(cloud - 1.0 + amount, 0, 1)[..., None] * 0.85
    return sky * (1 - cover) + np.float32(250) * cover


def _grey_sky(
    right: np.ndarray, up: np.ndarray, cloud: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    height = np.clip(up / 0.5, 0, 1)[:, None, None]
    low = np.array([236, 236, 228], np.float32)
    high = np.array([196, 202, 204], np.float32) - rng.uniform(0, 40)
    sky = low + (high - low).astype(np.float32) * np.repeat(height, len(right), axis=1)
    return sky + np.float32(rng.uniform(3, 12)) * cloud[..., None]


def _render(
    colors: np.ndarray,
    distance: np.ndarray,
    weather: np.random.Generator,
    grain: np.random.Generator,
) -> np.ndarray:
    haze = np.clip(distance / 420 - 0.03, 0, 0.35)[..., None]
    picture = colors * (1 - haze) + np.array([186, 210, 232], np.float32) * haze
    picture *= np.float32(weather.uniform(1.0, 1.16))
    picture = cv2.GaussianBlur(picture, (0, 0), 0.45)
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def _photograph(
    colors: np.ndarray,
    distance: np.ndarray,
    weather: np.random.Generator,
    grain: np.random.Generator,
) -> np.ndarray:
    height, width = distance.shape
    haze = np.clip(1 - np.exp(-distance / 170), 0, 0.6)[..., None]
    grey = np.array([188, 192, 190], np.float32) * weather.uniform(0.85, 1.0)
    picture = colors * (1 - haze) + grey.astype(np.float32) * haze

    # Dull light: little colour, a green and yellow cast, weak contrast.
    luma = (picture @ _LUMA)[..., None]
    picture = luma + np.float32(weather.uniform(0.45, 0.65)) * (picture - luma)
    cast = np.array([0.95, 1.02, 0.91]) * weather.uniform(0.97, 1.03, 3)
    exposure = weather.uniform(0.74, 1.0)
    picture *= (exposure * cast).astype(np.float32)
    picture += np.float32(weather.uniform(4, 14))

    # The lens: darker corners, glow of the sky, out of focus a little.
    x = np.linspace(-1, 1, width, dtype=np.float32)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    picture *= (1 - 0.22 * np.minimum(x * x + 0.7 * y * y, 1.4))[..., None]
    picture = cv2.GaussianBlur(picture, (0, 0), 0.55 + width / 2600)

    # The sensor: grain that grows with the light; then compression.
    speckle = grain.standard_normal((height, width), np.float32)
    tint = grain.standard_normal((height // 2 + 1, width // 2 + 1, 3), np.float32)
    tint = cv2.resize(tint, (width, height), interpolation=cv2.INTER_LINEAR)
    strength = np.float32(weather.uniform(3.0, 6.5))
    picture += strength * (speckle[..., None] + 0.6 * tint)
    picture = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(weather.integers(55, 80))]
    _, packed = cv2.imencode('.jpg', picture[..., ::-1], quality)
    return np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1])


def _look(world: int, **settings) -> Look:
    """The world of a column of the tables."""
    layout, surface = (
        SimpleNamespace(**{name: worlds[world] for name, worlds in table.items()})
        for table in (_LAYOUT, _SURFACE)
    )
    colors = {
        name: [tuple(bytes.fromhex(code)) for code in worlds[world].split()]
        for name, worlds in _COLORS.items()
    }
    return Look(layout=layout, surface=surface, colors=colors, **settings)


#: The two worlds by name.
LOOKS = dict(
    game=_look(0, color_spread=7.0, sun=1.0, sky=_clear_sky, photograph=_render),
    real=_look(1, color_spread=9.0, sun=0.0, sky=_grey_sky, photograph=_photograph),
)
