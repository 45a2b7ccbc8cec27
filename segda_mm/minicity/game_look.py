"""The source world: a clear, colourful game street."""

from __future__ import annotations

import cv2
import numpy as np

from .look import Layout, Look, Surface


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
    colors=dict(
        asphalt=((118, 116, 114), (104, 104, 108), (132, 128, 122)),
        marking=((244, 244, 240), (246, 208, 70)),
        sidewalk=((198, 190, 174), (206, 186, 160), (186, 186, 184)),
        kerb=((216, 212, 204),),
        parking=((150, 140, 132),),
        rail=((142, 122, 98),),
        terrain=((112, 168, 60), (136, 172, 72), (172, 150, 84)),
        facade=(
            (226, 192, 140),
            (206, 120, 88),
            (240, 226, 196),
            (150, 176, 200),
            (214, 160, 104),
            (196, 204, 190),
            (232, 150, 130),
        ),
        roof=((170, 74, 52), (120, 72, 58), (96, 104, 120)),
        leaf=((60, 142, 44), (84, 160, 50), (44, 120, 52)),
        bark=((112, 78, 50),),
        wall=((190, 130, 100), (200, 190, 170), (168, 158, 148)),
        fence=((150, 96, 52), (236, 236, 230), (70, 96, 78)),
        pole=((92, 98, 106), (70, 76, 70)),
        static=((60, 100, 80), (120, 90, 60)),
        paint=(
            (214, 32, 36),
            (30, 80, 200),
            (244, 244, 244),
            (250, 196, 30),
            (40, 44, 50),
            (60, 160, 90),
            (190, 194, 200),
            (230, 110, 30),
        ),
        truck=((230, 60, 40), (50, 100, 200), (240, 240, 236)),
        bus=((230, 130, 30), (40, 130, 200), (210, 40, 60)),
        train=((200, 50, 40), (60, 90, 170)),
        trailer=((220, 220, 214),),
        caravan=((240, 236, 220),),
        skin=((232, 184, 150), (150, 100, 70), (208, 150, 112)),
        hair=((60, 40, 26), (30, 26, 24), (190, 150, 80)),
        cloth=(
            (230, 60, 60),
            (50, 90, 200),
            (250, 250, 246),
            (70, 170, 110),
            (240, 200, 60),
            (180, 70, 170),
        ),
        trousers=((40, 60, 120), (60, 56, 54), (180, 160, 120)),
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
