"""The target world: an overcast street seen by a car's camera."""

from __future__ import annotations

import cv2
import numpy as np

from .look import Layout, Look, Surface, palette

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
    colors=palette(
        asphalt='54565c 484a50 626062',
        marking='bebeb6',
        sidewalk='7e7470 706e70 8a7a6c',
        kerb='969694',
        parking='64605c',
        rail='605a52',
        terrain='5c6234 545e3a 706646',
        facade='a89e8a 807062 beb8aa 746056 969694 b09c74 626468',
        roof='684238 4a484a 58463e',
        leaf='3e4c28 4a542c 32402a 5c582e',
        bark='463e36',
        wall='80786e 705e54 8e8a84',
        fence='5c5854 464e4a 766858',
        pole='686a68 4e5250',
        static='484c4a 605a46',
        paint='26282c a8acae 5c6066 cececa 363e5c 6e2426 1a1c1e 46544e',
        truck='c4c4be 3c5078 963c32',
        bus='c4ba96 963c36 607882',
        train='ceaa3c aa3c38 788c82',
        trailer='787a78',
        caravan='c8c6bc',
        bonnet='24262a',
        skin='cea892 785440 be9278',
        hair='2e2620 1a1818 786854',
        cloth='282a32 46484c 343c5c 782e30 969288 424e3c',
        trousers='242834 2e2e30 5c564c',
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
