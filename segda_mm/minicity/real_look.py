"""The target world: an overcast street seen by a car's camera."""

from __future__ import annotations

import cv2
import numpy as np

from .look import Layout, Look, Surface

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def _sky(
    right: np.ndarray, up: np.ndarray, cloud: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    height = np.clip(up / 0.5, 0, 1)[:, None, None]
    low = np.array([236, 236, 228], np.float32)
    high = np.array([196, 202, 204], np.float32) - rng.uniform(0, 40)
    sky = low + (high - low).astype(np.float32) * np.repeat(height, len(right), axis=1)
    return sky + np.float32(rng.uniform(3, 12)) * cloud[..., None]


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


REAL_LOOK = Look(
    name='real',
    layout=Layout(
        camera_height=(1.15, 1.35),
        focal=(0.86, 0.96),
        horizon=(0.40, 0.46),
        road_half_width=(3.5, 6.4),
        sidewalk_width=(2.8, 5.5),
        building_height=(9, 20),
        plots=dict(building=0.66, park=0.17, wall=0.08, fence=0.09),
        verge=0.4,
        parking=0.55,
        rail=0.2,
        street_trees=0.45,
        lamp_spacing=(14, 28),
        signs=1.5,
        lights=0.85,
        parked=0.62,
        traffic=24.0,
        traffic_kinds=dict(car=0.9, truck=0.05, bus=0.05),
        pedestrians=5.0,
        riders=1.1,
        parked_cycles=0.35,
        oddities=0.8,
        bonnet=True,
    ),
    colors=dict(
        asphalt=((84, 86, 92), (72, 74, 80), (98, 96, 98)),
        marking=((190, 190, 182),),
        sidewalk=((126, 116, 112), (112, 110, 112), (138, 122, 108)),
        kerb=((150, 150, 148),),
        parking=((100, 96, 92),),
        rail=((96, 90, 82),),
        terrain=((92, 98, 52), (84, 94, 58), (112, 102, 70)),
        facade=(
            (168, 158, 138),
            (128, 112, 98),
            (190, 184, 170),
            (116, 96, 86),
            (150, 150, 148),
            (176, 156, 116),
            (98, 100, 104),
        ),
        roof=((104, 66, 56), (74, 72, 74), (88, 70, 62)),
        leaf=((62, 76, 40), (74, 84, 44), (50, 64, 42), (92, 88, 46)),
        bark=((70, 62, 54),),
        wall=((128, 120, 110), (112, 94, 84), (142, 138, 132)),
        fence=((92, 88, 84), (70, 78, 74), (118, 104, 88)),
        pole=((104, 106, 104), (78, 82, 80)),
        static=((72, 76, 74), (96, 90, 70)),
        paint=(
            (38, 40, 44),
            (168, 172, 174),
            (92, 96, 102),
            (206, 206, 202),
            (54, 62, 92),
            (110, 36, 38),
            (26, 28, 30),
            (70, 84, 78),
        ),
        truck=((196, 196, 190), (60, 80, 120), (150, 60, 50)),
        bus=((196, 186, 150), (150, 60, 54), (96, 120, 130)),
        train=((206, 170, 60), (170, 60, 56), (120, 140, 130)),
        trailer=((120, 122, 120),),
        caravan=((200, 198, 188),),
        bonnet=((36, 38, 42),),
        skin=((206, 168, 146), (120, 84, 64), (190, 146, 120)),
        hair=((46, 38, 32), (26, 24, 24), (120, 104, 84)),
        cloth=(
            (40, 42, 50),
            (70, 72, 76),
            (52, 60, 92),
            (120, 46, 48),
            (150, 146, 136),
            (66, 78, 60),
        ),
        trousers=((36, 40, 52), (46, 46, 48), (92, 86, 76)),
    ),
    color_spread=9.0,
    surface=Surface(
        asphalt=(0.10, 0.11),
        paving=(0.5, 0.3),
        grass=0.24,
        foliage=(1.3, 0.42),
        wall_noise=0.07,
        brick=0.22,
        window=(74, 78, 80),
        window_spread=0.75,
        window_size=(0.38, 0.6),
        bay=(1.9, 3.3),
        gloss=0.4,
    ),
    sun=0.0,
    sky=_sky,
    photograph=_photograph,
)
