"""Draws one street of a world at random."""

from itertools import pairwise

import numpy as np

from segda_mm.datasets.formats.cityscapes_labels import LABELS

from . import buildings, people, street_furniture, vehicles
from .camera import Camera
from .item import Item
from .mesh import Mesh
from .scene import Scene
from .texture_kind import TextureKind

_ID = {label.name: label.id for label in LABELS}
_THINGS = frozenset(label.id for label in LABELS if label.has_instances)

_BEGIN, _END = -45.0, 175.0
"""Built length of a street, metres from the annotated camera."""

_SHAPES = {
    'car': vehicles.car,
    'truck': vehicles.truck,
    'bus': vehicles.bus,
    'train': vehicles.train,
    'trailer': vehicles.trailer,
    'caravan': vehicles.trailer,
    'bicycle': vehicles.bicycle,
    'motorcycle': vehicles.motorcycle,
}


def build_scene(look, rng):
    """Draw a street.

    Args:
        look (Look): The world.
        rng (numpy.random.Generator): Its state alone decides the street.

    Returns:
        Scene: With instance numbers given to all things.
    """
    return _StreetBuilder(look, rng).build()


class _Side:
    """Distances from the middle of the road on one side, in metres."""

    def __init__(self, sign, road, parking, rail, verge, sidewalk):
        self.sign = sign
        self.parking = (road, road + parking)
        self.rail = (self.parking[1], self.parking[1] + rail)
        self.verge = (self.rail[1], self.rail[1] + verge)
        self.sidewalk = (self.verge[1], self.verge[1] + sidewalk)
        self.line = self.sidewalk[1]


class _StreetBuilder:
    def __init__(self, look, rng):
        self.look = look
        self.layout = look.layout
        self.rng = rng
        self.items = []
        self.shaded_sides = []
        self.road = rng.uniform(*self.layout.road_half_width)
        rail = rng.uniform() < self.layout.rail
        self.sides = []
        for sign in (-1, 1):
            self.sides.append(
                _Side(
                    sign,
                    self.road,
                    2.3 * (rng.uniform() < self.layout.parking),
                    3.4 * (rail and sign < 0),
                    1.6 * (rng.uniform() < self.layout.verge),
                    rng.uniform(*self.layout.sidewalk_width),
                )
            )
        self.crossings = []
        begin = rng.uniform(14, 75)
        while begin < 140 and rng.uniform() < 0.75:
            self.crossings.append((begin, begin + rng.uniform(6.5, 10)))
            begin += rng.uniform(50, 90)

    def build(self):
        rng, layout = self.rng, self.layout
        self._ground()
        for side in self.sides:
            self._plots(side)
            self._kerb_side(side)
            self._parked(side)
            self._people(side)
        self._crossing_furniture()
        self._traffic()
        self._riders()
        self._oddities()
        self._backdrop()
        self._number_things()
        lanes = 2 if self.road > 6 else 1
        height = rng.uniform(*layout.camera_height)
        position = (self.road / (2 * lanes) + rng.normal(0, 0.25), height, 0.0)
        camera = Camera(
            position,
            rng.normal(0, 0.03),
            rng.uniform(*layout.focal),
            rng.uniform(*layout.horizon),
        )
        side, up = rng.choice([-1, 1]) * rng.uniform(0.5, 0.9), 0.75
        sun = np.array([side, up, rng.uniform(-0.7, 0.3)])
        bonnet = self._color('bonnet') if layout.bonnet else None
        return Scene(
            self.look,
            self.items,
            camera,
            float(rng.choice([0.0, 4.0, 7.0])),
            rng.normal(0, 0.0005),
            tuple(sun / np.linalg.norm(sun)),
            self.shaded_sides,
            bonnet,
        )

    def _color(self, material):
        """A random RGB triple of a material, spread as the look says."""
        choices = self.look.colors[material]
        color = np.array(choices[self.rng.integers(len(choices))], float)
        color = color + self.rng.normal(0, self.look.color_spread, 3)
        return tuple(np.clip(color, 4, 251))

    def _put(self, mesh, x, z, **kwargs):
        self.items.append(Item(mesh, (x, z), **kwargs))

    def _crosses(self, begin, end):
        return any(begin < b + 1.0 and end > a - 1.0 for a, b in self.crossings)

    # The ground, painted from the widest surface to the smallest mark.

    def _ground(self):
        mesh = Mesh()
        asphalt, pavement = self._color('asphalt'), self._color('sidewalk')
        grass = self._color('terrain')
        self._strip(mesh, -220, 220, 'terrain', grass, TextureKind.GRASS)
        for side in self.sides:
            for name, label, color, texture in (
                ('sidewalk', 'sidewalk', pavement, TextureKind.PAVING),
                ('verge', 'terrain', grass, TextureKind.GRASS),
                ('rail', 'rail track', self._color('rail'), TextureKind.ASPHALT),
            ):
                low, high = getattr(side, name)
                if high > low:
                    self._strip(
                        mesh, side.sign * low, side.sign * high, label, color, texture
                    )
            if side.rail[1] > side.rail[0]:
                for share in (0.28, 0.72):
                    x = side.rail[0] + share * 3.4
                    self._strip(
                        mesh,
                        side.sign * x,
                        side.sign * (x + 0.14),
                        'rail track',
                        (150, 150, 152),
                        TextureKind.PLAIN,
                    )
        for begin, end in self.crossings:
            self._quad(
                mesh,
                -220,
                220,
                begin - 2.5,
                end + 2.5,
                'sidewalk',
                pavement,
                TextureKind.PAVING,
            )
            self._quad(
                mesh, -220, 220, begin, end, 'road', asphalt, TextureKind.ASPHALT
            )
        self._strip(mesh, -self.road, self.road, 'road', asphalt, TextureKind.ASPHALT)
        for side in self.sides:
            low, high = side.parking
            if high > low:
                parking = self.rng.uniform() < 0.4
                self._strip(
                    mesh,
                    side.sign * low,
                    side.sign * high,
                    'parking' if parking else 'road',
                    self._color('parking') if parking else asphalt,
                    TextureKind.PAVING if parking else TextureKind.ASPHALT,
                )
            self._strip(
                mesh,
                side.sign * high,
                side.sign * (high + 0.18),
                'sidewalk',
                self._color('kerb'),
                TextureKind.PLAIN,
            )
        self._marks(mesh)
        self._put(mesh, 0, 0, layer=0)

    def _strip(self, mesh, x0, x1, label, color, texture):
        # Pieces get longer with the distance, so that a bend stays smooth.
        edges = (_BEGIN, -10, 0, 8, 18, 30, 45, 65, 90, 125, 260)
        for begin, end in pairwise(edges):
            self._quad(mesh, x0, x1, begin, end, label, color, texture)

    @staticmethod
    def _quad(mesh, x0, x1, z0, z1, label, color, texture):
        mesh.add(
            [(x0, 0, z0), (x1, 0, z0), (x1, 0, z1), (x0, 0, z1)],
            _ID[label],
            color,
            texture,
        )

    def _marks(self, mesh):
        color = self._color('marking')
        plain = TextureKind.PLAIN
        lanes = 2 if self.road > 6 else 1
        lines = [index * self.road / lanes for index in range(1 - lanes, lanes)]
        for x in lines:
            for z in np.arange(_BEGIN, 110, 8.0):
                if not self._crosses(z, z + 4):
                    self._quad(mesh, x - 0.09, x + 0.09, z, z + 4, 'road', color, plain)
        for begin, end in self.crossings:
            for z in (begin - 3.2, end + 0.4):
                for x in np.arange(-self.road + 0.3, self.road - 0.5, 1.1):
                    self._quad(mesh, x, x + 0.55, z, z + 2.8, 'road', color, plain)
            self._quad(
                mesh, 0, self.road, begin - 4.4, begin - 4.0, 'road', color, plain
            )

    # What stands behind the pavement.

    def _plots(self, side):
        rng, kinds = self.rng, self.layout.plots
        names = list(kinds)
        weights = np.array([kinds[name] for name in names], float)
        z = _BEGIN
        while z < _END:
            length = rng.uniform(9, 22)
            blocked = [
                b for b in self.crossings if z < b[1] + 2.5 and z + length > b[0] - 2.5
            ]
            if blocked:
                length = blocked[0][0] - 2.5 - z
                if length < 4:
                    z = blocked[0][1] + 2.5
                    continue
            kind = names[rng.choice(len(names), p=weights / weights.sum())]
            getattr(self, '_plot_' + kind)(side, z, length)
            z += length + (rng.uniform(1, 4) if rng.uniform() < 0.2 else 0)

    def _house(self, side, z, length, setback):
        rng = self.rng
        height = rng.uniform(*self.layout.building_height)
        x = side.sign * (side.line + setback)
        self._put(
            buildings.house(
                rng,
                side.sign,
                rng.uniform(12, 18),
                length,
                height,
                self._color('facade'),
                self._color('roof'),
            ),
            x,
            z,
            layer=1,
        )
        self.shaded_sides.append((side.sign, x, z, z + length, height))

    def _trees(self, side, z, length, near, far, count):
        for _ in range(count):
            x = side.sign * (side.line + self.rng.uniform(near, far))
            self._put(
                street_furniture.tree(
                    self.rng,
                    self._color('leaf'),
                    self._color('bark'),
                    self.rng.uniform(0.8, 1.6),
                ),
                x,
                z + self.rng.uniform(0.1, 0.9) * length,
                layer=1,
            )

    def _barrier(self, side, z, length, label, material, texture, height, thickness):
        color, variant = self._color(material), self.rng.uniform()
        pieces = max(1, round(length / 6))
        for index in range(pieces):
            piece = length / pieces
            self._put(
                street_furniture.barrier(
                    piece, height, thickness, _ID[label], color, texture, variant
                ),
                side.sign * (side.line + 0.2),
                z + index * piece,
                layer=1,
            )

    def _plot_building(self, side, z, length):
        if self.rng.uniform() < 0.2:
            self._house(side, z, length, 4.0)
            self._trees(side, z, length, 1.2, 2.8, 1)
            if self.rng.uniform() < 0.6:
                self._front(side, z, length)
        else:
            self._house(side, z, length, 0.0)

    def _front(self, side, z, length):
        """A low wall, fence or hedge towards the pavement."""
        kind = self.rng.choice(['wall', 'fence', 'hedge'])
        if kind == 'wall':
            self._barrier(
                side,
                z,
                length,
                'wall',
                'wall',
                TextureKind.BRICK,
                self.rng.uniform(1.0, 1.5),
                0.3,
            )
        elif kind == 'fence':
            self._barrier(
                side,
                z,
                length,
                'fence',
                'fence',
                TextureKind.SLATS,
                self.rng.uniform(1.1, 1.7),
                0.06,
            )
        else:
            self._barrier(
                side,
                z,
                length,
                'vegetation',
                'leaf',
                TextureKind.FOLIAGE,
                self.rng.uniform(1.0, 1.8),
                0.8,
            )

    def _plot_park(self, side, z, length):
        self._hedge(side, z, length, self.rng.uniform(14, 26))
        self._trees(side, z, length, 2.0, 12.0, int(self.rng.integers(2, 5)))
        for _ in range(int(self.rng.integers(0, 4))):
            self._put(
                street_furniture.bush(
                    self.rng, self._color('leaf'), self.rng.uniform(0.8, 1.6)
                ),
                side.sign * (side.line + self.rng.uniform(1, 6)),
                z + self.rng.uniform(0, length),
                layer=1,
            )

    def _hedge(self, side, z, length, setback):
        mesh = Mesh()
        x = sorted((0.0, 4.0 * side.sign))
        mesh.box(
            x,
            (0, self.rng.uniform(4, 8)),
            (0, length),
            _ID['vegetation'],
            self._color('leaf'),
            texture=TextureKind.FOLIAGE,
            variant=self.rng.uniform(),
        )
        self._put(mesh, side.sign * (side.line + setback), z + 0.01, layer=1)

    def _plot_wall(self, side, z, length):
        if self.rng.uniform() < 0.5:
            self._house(side, z, length, 7.0)
        else:
            self._hedge(side, z, length, 9.0)
        self._trees(side, z, length, 2.0, 5.0, 2)
        self._barrier(
            side,
            z,
            length,
            'wall',
            'wall',
            TextureKind.BRICK,
            self.rng.uniform(1.6, 3.2),
            0.4,
        )

    def _plot_fence(self, side, z, length):
        if self.rng.uniform() < 0.4:
            self._house(side, z, length, 8.0)
        else:
            self._hedge(side, z, length, 10.0)
        self._trees(side, z, length, 2.0, 6.0, 1)
        self._barrier(
            side,
            z,
            length,
            'fence',
            'fence',
            TextureKind.SLATS,
            self.rng.uniform(1.5, 2.5),
            0.08,
        )

    # What stands on the pavement.

    def _kerb_side(self, side):
        rng, layout = self.rng, self.layout
        kerb = side.sign * (side.verge[0] + 0.55)
        pole = self._color('pole')
        # Each world has streets without lamps on one side.
        if rng.uniform() < 0.8:
            z = rng.uniform(4, 14)
            while z < 110:
                if not self._crosses(z, z):
                    self._put(street_furniture.lamp_post(rng, pole, side.sign), kerb, z)
                z += rng.uniform(*layout.lamp_spacing)
        if rng.uniform() < layout.street_trees:
            z = rng.uniform(3, 12)
            size = rng.uniform(0.7, 1.1)
            while z < 110:
                if not self._crosses(z - 2, z + 2):
                    self._put(
                        street_furniture.tree(
                            rng, self._color('leaf'), self._color('bark'), size
                        ),
                        kerb,
                        z,
                    )
                z += rng.uniform(7, 14)
        for _ in range(rng.poisson(layout.signs)):
            z = rng.uniform(5, 45)
            if not self._crosses(z, z):
                self._put(street_furniture.traffic_sign(rng, pole), kerb, z)
        for _ in range(rng.poisson(0.5)):
            shape = rng.choice([street_furniture.waste_bin, street_furniture.cart])
            self._put(
                shape(rng, self._color('static')),
                side.sign * (side.line - 0.6),
                rng.uniform(4, 35),
                shadow=(0.4, 0.4),
            )

    def _crossing_furniture(self):
        for begin, end in self.crossings:
            if self.rng.uniform() > self.layout.lights:
                continue
            for side in self.sides:
                for z in (begin - 1.0, end + 1.0):
                    self._put(
                        street_furniture.traffic_light(self.rng, self._color('pole')),
                        side.sign * (side.verge[0] + 0.5),
                        z,
                    )

    # Vehicles and people.

    def _vehicle(self, kind, x, z, heading=0.0, velocity=(0.0, 0.0)):
        """Put a vehicle with its rear or front at z; its half length."""
        paint = self._color(kind if kind in self.look.colors else 'paint')
        mesh, (half, length) = _SHAPES[kind](self.rng, paint, _ID[kind])
        self._put(
            mesh,
            x,
            z + length,
            heading=heading,
            velocity=velocity,
            shadow=(half, length),
        )
        return length

    def _parked(self, side):
        low, high = side.parking
        if high == low:
            return
        rng = self.rng
        z, middle = rng.uniform(-6, 2), (low + high) / 2
        fill = rng.uniform(0.4, 1.4) * self.layout.parked
        while z < 95:
            kind = 'car' if rng.uniform() > 0.02 else 'truck'
            if rng.uniform() < fill and not self._crosses(z, z + 7):
                heading = 0.0 if rng.uniform() < 0.75 else np.pi
                z += 2 * self._vehicle(
                    kind,
                    side.sign * (middle + rng.normal(0, 0.08)),
                    z,
                    heading + rng.normal(0, 0.02),
                )
                z += rng.uniform(0.6, 1.6)
            else:
                z += rng.uniform(4, 7)

    def _traffic(self):
        rng = self.rng
        kinds = list(self.layout.traffic_kinds)
        weights = np.array(list(self.layout.traffic_kinds.values()), float)
        lanes = 2 if self.road > 6 else 1
        for index in range(-lanes, lanes):
            x = (index + 0.5) * self.road / lanes
            ahead = x > 0
            speed = rng.uniform(3, 8) if ahead else -rng.uniform(3, 9)
            z = rng.uniform(8, 14) if index == 0 else rng.uniform(3, 12)
            z += rng.exponential(self.layout.traffic)
            while z < 100:
                kind = kinds[rng.choice(len(kinds), p=weights / weights.sum())]
                z += 2 * self._vehicle(
                    kind,
                    x + rng.normal(0, 0.15),
                    z,
                    0.0 if ahead else np.pi,
                    (0.0, speed),
                )
                z += 3 + rng.exponential(self.layout.traffic)
        left = self.sides[0]
        if left.rail[1] > left.rail[0] and rng.uniform() < 0.8:
            speed = rng.choice([-6.0, 0.0, 5.0])
            self._vehicle(
                'train',
                -(left.rail[0] + 1.7),
                rng.uniform(6, 25),
                velocity=(0.0, speed),
            )

    def _outfit(self):
        return dict(
            skin=self._color('skin'),
            hair=self._color('hair'),
            top=self._color('cloth'),
            trousers=self._color('trousers'),
            helmet=self._color('cloth'),
        )

    def _person(self, x, z, velocity):
        walks = bool(np.any(velocity))
        self._put(
            people.Walker(
                self._outfit(),
                self.rng.uniform(1.5, 1.9),
                1.0 if walks else 0.0,
                self.rng.uniform(0, 6.28),
                _ID['person'],
            ),
            x,
            z,
            velocity=velocity,
            shadow=(0.28, 0.2),
        )

    def _people(self, side):
        rng, layout = self.rng, self.layout
        low, high = side.sidewalk
        for _ in range(rng.poisson(layout.pedestrians / 2)):
            x = side.sign * rng.uniform(low + 0.4, max(high - 0.5, low + 0.5))
            z = rng.uniform(4.5, 38)
            pace = rng.choice([-1.3, 0.0, 1.3])
            for _ in range(int(rng.choice([1, 1, 2]))):
                self._person(x, z, (0.0, pace))
                x += 0.55 * rng.choice([-1, 1])
                z += rng.uniform(0, 0.6)
        if rng.uniform() < 0.04 * layout.pedestrians:
            z = rng.uniform(8, 22)
            self._person(
                side.sign * rng.uniform(0, self.road), z, (-1.3 * side.sign, 0.0)
            )
        if rng.uniform() < layout.parked_cycles:
            z = rng.uniform(5, 22)
            kind = 'motorcycle' if rng.uniform() < 0.2 else 'bicycle'
            heading = rng.choice([np.pi / 2, 0.9, 0.3])
            for _ in range(int(rng.integers(1, 5))):
                self._vehicle(
                    kind, side.sign * (high - 1.0), z, heading + rng.normal(0, 0.1)
                )
                z += rng.uniform(0.7, 1.3)

    def _riders(self):
        rng = self.rng
        for _ in range(rng.poisson(self.layout.riders)):
            motor = rng.uniform() < 0.28
            kind = 'motorcycle' if motor else 'bicycle'
            mesh, (half, length) = _SHAPES[kind](rng, self._color('paint'), _ID[kind])
            people.seated_rider(
                mesh, self._outfit(), _ID['rider'], 0.85 if motor else 0.95
            )
            sign = 1 if rng.uniform() < 0.65 else -1
            speed = rng.uniform(3, 6) if motor else rng.uniform(2.5, 5)
            if rng.uniform() < 0.2:
                # One that crosses the street is seen from its side.
                self._put(
                    mesh,
                    sign * rng.uniform(0.5, 3),
                    rng.uniform(7, 14),
                    heading=-sign * np.pi / 2,
                    velocity=(-sign * speed, 0.0),
                    shadow=(half, length),
                )
            else:
                self._put(
                    mesh,
                    sign * (self.road - rng.uniform(0.5, 0.9)),
                    rng.uniform(4.5, 24),
                    heading=rng.normal(0, 0.2) + (0 if sign > 0 else np.pi),
                    velocity=(0.0, sign * speed),
                    shadow=(half, length),
                )

    def _oddities(self):
        """The rare things, most of them in ids that are not evaluated."""
        rng, scale = self.rng, self.layout.oddities
        half = max(side.line for side in self.sides)
        color = self._color('wall')
        if rng.uniform() < 0.05 * scale:
            self._put(
                street_furniture.bridge(half + 1, color, rng.uniform()),
                0.0,
                rng.uniform(25, 80),
            )
        elif rng.uniform() < 0.03 * scale:
            self._put(
                street_furniture.tunnel_mouth(self.road, half + 10, color),
                0.0,
                rng.uniform(60, 90),
            )
        if rng.uniform() < 0.06 * scale:
            side = self.sides[int(rng.integers(2))]
            self._put(
                street_furniture.guard_rail(24.0, (150, 152, 152)),
                side.sign * (side.rail[0] + 0.3),
                rng.uniform(6, 30),
            )
        if rng.uniform() < 0.08 * scale:
            self._put(
                street_furniture.pole_group(rng, self._color('pole')),
                self.sides[1].sign * (self.sides[1].verge[0] + 0.6),
                rng.uniform(6, 20),
            )
        for kind in ('trailer', 'caravan'):
            if rng.uniform() < 0.04 * scale:
                side = self.sides[int(rng.integers(2))]
                self._vehicle(kind, side.sign * (self.road - 1.2), rng.uniform(25, 45))

    def _backdrop(self):
        """Houses and woods where the street ends for the eye."""
        rng, x = self.rng, -200.0
        while x < 200:
            width, height = rng.uniform(12, 35), rng.uniform(5, 17)
            mesh = Mesh()
            corners = [(0, 0, 0), (width, 0, 0), (width, height, 0), (0, height, 0)]
            if rng.uniform() < 0.5:
                mesh.add(
                    corners,
                    _ID['building'],
                    self._color('facade'),
                    TextureKind.FACADE,
                    rng.uniform(),
                )
            else:
                mesh.add(
                    corners,
                    _ID['vegetation'],
                    self._color('leaf'),
                    TextureKind.FOLIAGE,
                    rng.uniform(),
                )
            self._put(mesh, x, 200.0, layer=1)
            x += width

    def _number_things(self):
        """Give every thing its instance id, label id * 1000 + number."""
        used = {}
        for item in self.items:
            for label in _THINGS.intersection(item.mesh_at(0.0).labels):
                number = used.get(label, 0)
                item.instances[label] = label * 1000 + number
                used[label] = number + 1
