"""What makes one of the two worlds look and behave as it does."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """How streets of one world are built and peopled.

    Pairs are (low, high) of a uniform draw; lengths are metres, the others
    probabilities or mean counts, dicts kinds and their weights.
    """

    camera_height: tuple
    focal: tuple
    horizon: tuple
    road_half_width: tuple
    sidewalk_width: tuple
    building_height: tuple
    plots: dict
    verge: float
    parking: float
    rail: float
    street_trees: float
    lamp_spacing: tuple
    signs: float
    lights: float
    parked: float
    traffic: float
    traffic_kinds: dict
    pedestrians: float
    riders: float
    parked_cycles: float
    oddities: float
    bonnet: bool


@dataclass(frozen=True)
class Surface:
    """Strength, size and style of the surface patterns of one world."""

    asphalt: tuple
    """(fine contrast, patch contrast), shares of the colour."""
    paving: tuple
    """(slab size in metres, contrast of the joints)."""
    grass: float
    foliage: tuple
    """(noise repeats per metre, contrast)."""
    wall_noise: float
    brick: float
    window: tuple
    """RGB of the panes, 0..255."""
    window_spread: float
    """How much panes differ, 0..1."""
    window_size: tuple
    """Share of a storey's bay that is glass: across, upwards."""
    bay: tuple
    """(width, height) of one bay in metres, before variation."""
    gloss: float
    """Contrast of the reflection on paint and glass."""


@dataclass(frozen=True)
class Look:
    """One world: how it is built, coloured, lit and photographed.

    Attributes:
        colors: Material -> tuple of RGB triples, 0..255.
        color_spread: Standard deviation of a thing's colour, 0..255.
        sun: 0 overcast .. 1 clear; length and depth of shadows.
        sky: (right (W,), up (H,), cloud (H, W), rng) -> colours (H, W, 3)
            float32, 0..255, ``right`` and ``up`` as in ``Camera.rays``.
        photograph: (colours (H, W, 3) float32 0..255, distance (H, W) float32
            metres, weather, grain) -> picture (H, W, 3) uint8 RGB; the generators
            decide what a snippet shares and what is new in every frame.
    """

    name: str
    layout: Layout
    colors: dict
    color_spread: float
    surface: Surface
    sun: float
    sky: Callable
    photograph: Callable


def palette(**materials: str) -> dict[str, list[tuple]]:
    """RGB triples in 0..255 by material, from hexadecimal colours."""
    return {
        name: [tuple(bytes.fromhex(code)) for code in codes.split()]
        for name, codes in materials.items()
    }
