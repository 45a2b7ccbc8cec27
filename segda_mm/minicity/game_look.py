"""The source world: a clear, colourful game street."""

from __future__ import annotations

import cv2
import numpy as np

from .look import Layout, Look, Surface, palette


def _sky(
    right: np.ndarray, up: np.ndarray, cloud: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    height = np.clip(up / 0.4, 0, 1)[:, None, None]
    low = np.array([176, 212, 240], np.float32)
    high = np.array([54, 122, 220], np.float32)
    sky = low + (high - low) * np.repeat(height, len(right), axis=1)
    amount = rng.uniform(0.1, 0.9)
    cover = np.clip(cloud - 1.0 + amount, 0, 1)[..., None] * 0.85
    return sky * (1 - cover) + np.float32(250) * cover


def _photograph(
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


GAME_LOOK = Look(
    name='game',
    layout=Layout(
        camera_height=(1.5, 2.3),
        focal=(0.66, 0.78),
        horizon=(0.44, 0.54),
        road_half_width=(4.5, 9.0),
        sidewalk_width=(2.2, 4.5),
        building_height=(5, 22),
        plots=dict(building=0.55, park=0.22, wall=0.13, fence=0.12),
        verge=0.45,
        parking=0.5,
        rail=0.15,
        street_trees=0.35,
        lamp_spacing=(18, 34),
        signs=0.9,
        lights=0.8,
        parked=0.4,
        traffic=20.0,
        traffic_kinds=dict(car=0.83, truck=0.1, bus=0.07),
        pedestrians=3.5,
        riders=0.8,
        parked_cycles=0.15,
        oddities=1.0,
        bonnet=False,
    ),
    colors=palette(
        asphalt='767472 68686c 84807a',
        marking='f4f4f0 f6d046',
        sidewalk='c6beae cebaa0 babab8',
        kerb='d8d4cc',
        parking='968c84',
        rail='8e7a62',
        terrain='70a83c 88ac48 ac9654',
        facade='e2c08c ce7858 f0e2c4 96b0c8 d6a068 c4ccbe e89682',
        roof='aa4a34 78483a 606878',
        leaf='3c8e2c 54a032 2c7834',
        bark='704e32',
        wall='be8264 c8beaa a89e94',
        fence='966034 ecece6 46604e',
        pole='5c626a 464c46',
        static='3c6450 785a3c',
        paint='d62024 1e50c8 f4f4f4 fac41e 282c32 3ca05a bec2c8 e66e1e',
        truck='e63c28 3264c8 f0f0ec',
        bus='e6821e 2882c8 d2283c',
        train='c83228 3c5aaa',
        trailer='dcdcd6',
        caravan='f0ecdc',
        skin='e8b896 966446 d09670',
        hair='3c281a 1e1a18 be9650',
        cloth='e63c3c 325ac8 fafaf6 46aa6e f0c83c b446aa',
        trousers='283c78 3c3836 b4a078',
    ),
    color_spread=7.0,
    surface=Surface(
        asphalt=(0.035, 0.025),
        paving=(1.2, 0.2),
        grass=0.10,
        foliage=(0.55, 0.22),
        wall_noise=0.015,
        brick=0.14,
        window=(70, 104, 140),
        window_spread=0.3,
        window_size=(0.5, 0.52),
        bay=(2.6, 3.1),
        gloss=0.35,
    ),
    sun=1.0,
    sky=_sky,
    photograph=_photograph,
)
