"""Camera, meshes and their rasterized depth, against hand-worked numbers."""

import numpy as np

from segda_mm.minicity.mesh import Mesh
from segda_mm.minicity.rasterizer import rasterize
from segda_mm.minicity.renderer import LOOKS
from segda_mm.minicity.scene import Camera, Item, Scene
from segda_mm.minicity.surface import noise_pattern

SIZE = (200, 100)


def street(*items):
    camera = Camera((0.0, 1.5, 0.0), 0.0, 0.8, 0.5)
    ground = Mesh(7)
    ground.add([(-50, 0, -9), (50, 0, -9), (50, 0, 300), (-50, 0, 300)], (90, 90, 90))
    return Scene(
        LOOKS['game'],
        [Item(ground, layer=0), *items],
        camera,
        0.0,
        0.0,
        (0.0, 1.0, 0.0),
        [],
        None,
    )


def box(z, half=1.0, label=26):
    mesh = Mesh(label)
    mesh.box((-half, half), (0, 2), (0, 1), (200, 0, 0))
    return Item(mesh, (0.0, z), instances={label: label * 1000})


def test_a_point_is_projected_where_the_lens_formula_says():
    camera = Camera((1.0, 1.5, 2.0), 0.0, 0.8, 0.4)
    view = camera.to_camera(np.array([[2.0, 0.5, 12.0]], np.float32))
    np.testing.assert_allclose(view, [[1, -1, 10]], atol=1e-6)
    # 0.8 * 200 pixels focal length, one metre at ten metres: 16 pixels.
    np.testing.assert_allclose(
        camera.project(view, SIZE), [[100 - 0.5 + 16, 40 - 0.5 + 16]], atol=1e-4
    )


def test_depth_of_ground_and_box():
    buffer = rasterize(street(box(10.0)), SIZE)
    labels = buffer.labels[buffer.face_map]
    assert labels[5, 5] == 23 and labels[95, 5] == 7
    # The box begins at z = 10; its near side is upright.
    assert labels[55, 100] == 26
    np.testing.assert_allclose(buffer.depth[50:58, 95:105], 10, atol=1e-3)
    # Ground at row 90: depth = height * focal / rows below the horizon.
    row = 90
    np.testing.assert_allclose(
        buffer.depth[row, 20], 1.5 * 160 / (row + 0.5 - 50), rtol=1e-4
    )


def test_the_near_box_hides_the_far_one():
    far, near = box(20.0, 1.0, 27), box(8.0, 0.5, 26)
    for items in ((far, near), (near, far)):
        buffer = rasterize(street(*items), SIZE)
        instances = buffer.instances[buffer.face_map]
        assert instances[50, 100] == 26000
        # One metre at 20 m is 8 pixels, half a metre at 8 m is 10.
        assert 27000 not in instances


def test_a_moving_item_is_where_its_speed_takes_it():
    item = box(10.0)
    item.velocity = (0.0, 5.0)
    buffer = rasterize(street(item), SIZE, time=2.0)
    np.testing.assert_allclose(buffer.depth[52, 100], 20, atol=1e-2)


def test_only_the_outside_of_a_box_is_seen():
    mesh = Mesh(11)
    mesh.box((-4, 4), (-1, 6), (-3, 5), (9, 9, 9))
    buffer = rasterize(street(Item(mesh)), SIZE)
    assert 11 not in buffer.labels[buffer.face_map]


def test_noise_is_normalised_and_seamless():
    noise = noise_pattern()
    np.testing.assert_allclose(noise.mean(axis=(0, 1)), 0, atol=0.02)
    np.testing.assert_allclose(noise.std(axis=(0, 1)), 1, atol=0.03)
    inner = np.abs(np.diff(noise, axis=0)).mean(axis=(0, 1))
    seam = np.abs(noise[0] - noise[-1]).mean(axis=0)
    np.testing.assert_allclose(seam, inner, rtol=0.35)
