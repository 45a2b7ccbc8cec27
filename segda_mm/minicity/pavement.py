"""What stands on the pavement and across the street, besides people."""

from __future__ import annotations

from . import street_furniture
from .street import Side, Street
from .traffic import put_vehicle


def furnish_kerb(street: Street, side: Side) -> None:
    """Put lamps, trees, signs and small things along one pavement."""
    rng, layout = street.rng, street.layout
    kerb = side.sign * (side.verge[0] + 0.55)
    pole = street.color('pole')
    # Each world has streets without lamps on one side.
    if rng.uniform() < 0.8:
        z = rng.uniform(4, 14)
        while z < 110:
            if not street.crosses(z, z):
                street.put(street_furniture.lamp_post(rng, pole, side.sign), kerb, z)
            z += rng.uniform(*layout.lamp_spacing)
    if rng.uniform() < layout.street_trees:
        z = rng.uniform(3, 12)
        size = rng.uniform(0.7, 1.1)
        while z < 110:
            if not street.crosses(z - 2, z + 2):
                leaf, bark = street.color('leaf'), street.color('bark')
                street.put(street.tree(leaf, bark, size), kerb, z)
            z += rng.uniform(7, 14)
    for _ in range(rng.poisson(layout.signs)):
        z = rng.uniform(5, 45)
        if not street.crosses(z, z):
            street.put(street_furniture.traffic_sign(rng, pole), kerb, z)
    for _ in range(rng.poisson(0.5)):
        label = rng.choice(['static', 'dynamic'])
        mesh = street_furniture.small_thing(rng, street.color('static'), label)
        x = side.sign * (side.line - 0.6)
        street.put(mesh, x, rng.uniform(4, 35), shadow=(0.4, 0.4))


def furnish_crossings(street: Street) -> None:
    """Put traffic lights at the four corners of crossings."""
    for begin, end in street.crossings:
        if street.rng.uniform() > street.layout.lights:
            continue
        for side in street.sides:
            for z in (begin - 1.0, end + 1.0):
                light = street_furniture.traffic_light(street.rng, street.color('pole'))
                street.put(light, side.sign * (side.verge[0] + 0.5), z)


def put_oddities(street: Street) -> None:
    """Put the rare things, most of them in ids that are not evaluated."""
    rng, scale = street.rng, street.layout.oddities
    half = max(side.line for side in street.sides)
    color = street.color('wall')
    if rng.uniform() < 0.05 * scale:
        bridge = street_furniture.bridge(half + 1, color, rng.uniform())
        street.put(bridge, 0.0, rng.uniform(25, 80))
    elif rng.uniform() < 0.03 * scale:
        tunnel = street_furniture.tunnel_mouth(street.road, half + 10, color)
        street.put(tunnel, 0.0, rng.uniform(60, 90))
    if rng.uniform() < 0.06 * scale:
        side = street.sides[int(rng.integers(2))]
        rail = street_furniture.guard_rail(24.0, (150, 152, 152))
        street.put(rail, side.sign * (side.rail[0] + 0.3), rng.uniform(6, 30))
    if rng.uniform() < 0.08 * scale:
        right = street.sides[1]
        poles = street_furniture.pole_group(rng, street.color('pole'))
        street.put(poles, right.sign * (right.verge[0] + 0.6), rng.uniform(6, 20))
    for kind in ('trailer', 'caravan'):
        if rng.uniform() < 0.04 * scale:
            side = street.sides[int(rng.integers(2))]
            x = side.sign * (street.road - 1.2)
            put_vehicle(street, kind, x, rng.uniform(25, 45))
