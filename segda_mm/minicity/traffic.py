"""Vehicles, riders and people of a street."""

from __future__ import annotations

import numpy as np

from . import vehicles
from .labels import ID
from .people import Walker, seated_rider
from .street import Side, Street


def put_vehicle(
    street: Street,
    kind: str,
    x: float,
    z: float,
    heading: float = 0.0,
    speed: float = 0.0,
) -> float:
    """Put a vehicle with its rear or front at z; return its half length."""
    paint = street.color(kind if kind in street.look.colors else 'paint')
    mesh, (half, length) = getattr(vehicles, kind)(street.rng, paint, ID[kind])
    motion = dict(heading=heading, velocity=(0.0, speed))
    street.put(mesh, x, z + length, shadow=(half, length), **motion)
    return length


def park_vehicles(street: Street, side: Side) -> None:
    """Fill the parking strip of one side, if it has one."""
    low, high = side.parking
    if high == low:
        return
    rng = street.rng
    z, middle = rng.uniform(-6, 2), (low + high) / 2
    fill = rng.uniform(0.4, 1.4) * street.layout.parked
    while z < 95:
        kind = 'car' if rng.uniform() > 0.02 else 'truck'
        if rng.uniform() < fill and not street.crosses(z, z + 7):
            heading = 0.0 if rng.uniform() < 0.75 else np.pi
            x = side.sign * (middle + rng.normal(0, 0.08))
            z += 2 * put_vehicle(street, kind, x, z, heading + rng.normal(0, 0.02))
            z += rng.uniform(0.6, 1.6)
        else:
            z += rng.uniform(4, 7)


def drive(street: Street) -> None:
    """Put moving vehicles on the lanes, and a tram on the track."""
    rng, layout, lanes = street.rng, street.layout, street.lanes
    kinds = list(layout.traffic_kinds)
    weights = np.array(list(layout.traffic_kinds.values()), float)
    for index in range(-lanes, lanes):
        x = (index + 0.5) * street.road / lanes
        ahead = x > 0
        speed = rng.uniform(3, 8) if ahead else -rng.uniform(3, 9)
        heading = 0.0 if ahead else np.pi
        z = rng.uniform(8, 14) if index == 0 else rng.uniform(3, 12)
        z += rng.exponential(layout.traffic)
        while z < 100:
            kind = kinds[rng.choice(len(kinds), p=weights / weights.sum())]
            place = (x + rng.normal(0, 0.15), z)
            z += 2 * put_vehicle(street, kind, *place, heading, speed)
            z += 3 + rng.exponential(layout.traffic)
    left = street.sides[0]
    if left.rail[1] > left.rail[0] and rng.uniform() < 0.8:
        speed = rng.choice([-6.0, 0.0, 5.0])
        place = (-(left.rail[0] + 1.7), rng.uniform(6, 25))
        put_vehicle(street, 'train', *place, speed=speed)


def ride(street: Street) -> None:
    """Put riders on bicycles and motorcycles."""
    rng = street.rng
    for _ in range(rng.poisson(street.layout.riders)):
        motor = rng.uniform() < 0.28
        kind = 'motorcycle' if motor else 'bicycle'
        paint = street.color('paint')
        mesh, shadow = getattr(vehicles, kind)(rng, paint, ID[kind])
        seated_rider(mesh, _outfit(street), 0.85 if motor else 0.95)
        sign = 1 if rng.uniform() < 0.65 else -1
        speed = rng.uniform(3, 6) if motor else rng.uniform(2.5, 5)
        if rng.uniform() < 0.2:
            # One that crosses the street is seen from its side.
            place = (sign * rng.uniform(0.5, 3), rng.uniform(7, 14))
            heading, velocity = -sign * np.pi / 2, (-sign * speed, 0.0)
        else:
            place = (sign * (street.road - rng.uniform(0.5, 0.9)), rng.uniform(4.5, 24))
            heading = rng.normal(0, 0.2) + (0 if sign > 0 else np.pi)
            velocity = (0.0, sign * speed)
        street.put(mesh, *place, heading=heading, velocity=velocity, shadow=shadow)


def people_side(street: Street, side: Side) -> None:
    """Put people on one pavement, and what they have parked there."""
    rng, layout = street.rng, street.layout
    low, high = side.sidewalk
    for _ in range(rng.poisson(layout.pedestrians / 2)):
        x = side.sign * rng.uniform(low + 0.4, max(high - 0.5, low + 0.5))
        z = rng.uniform(4.5, 38)
        pace = rng.choice([-1.3, 0.0, 1.3])
        for _ in range(int(rng.choice([1, 1, 2]))):
            _put_person(street, x, z, (0.0, pace))
            x += 0.55 * rng.choice([-1, 1])
            z += rng.uniform(0, 0.6)
    if rng.uniform() < 0.04 * layout.pedestrians:
        z = rng.uniform(8, 22)
        x = side.sign * rng.uniform(0, street.road)
        _put_person(street, x, z, (-1.3 * side.sign, 0.0))
    if rng.uniform() < layout.parked_cycles:
        z = rng.uniform(5, 22)
        kind = 'motorcycle' if rng.uniform() < 0.2 else 'bicycle'
        heading = rng.choice([np.pi / 2, 0.9, 0.3])
        x = side.sign * (high - 1.0)
        for _ in range(int(rng.integers(1, 5))):
            put_vehicle(street, kind, x, z, heading + rng.normal(0, 0.1))
            z += rng.uniform(0.7, 1.3)


def _outfit(street: Street) -> dict[str, tuple]:
    # Five draws, in this order.
    skin, hair, top, trousers, helmet = map(
        street.color, ('skin', 'hair', 'cloth', 'trousers', 'cloth')
    )
    return dict(skin=skin, hair=hair, top=top, trousers=trousers, helmet=helmet)


def _put_person(street: Street, x: float, z: float, velocity: tuple) -> None:
    outfit, height = _outfit(street), street.rng.uniform(1.5, 1.9)
    pace = 1.0 if np.any(velocity) else 0.0
    walker = Walker(outfit, height, pace, street.rng.uniform(0, 6.28))
    street.put(walker, x, z, velocity=velocity, shadow=(0.28, 0.2))
