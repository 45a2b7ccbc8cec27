"""Pictures: determinism, truth, sizes, movement."""

import numpy as np
import pytest

from segda_mm.datasets.formats.cityscapes_labels import CLASSES, LABELS
from segda_mm.datasets.formats.label_files import label_table
from segda_mm.minicity import render_frame
from segda_mm.minicity.labels import ID, PALETTE, THINGS, TRAIN_IDS

SIZE = (128, 64)


def test_labels_are_those_of_cityscapes():
    labels = [label for label in LABELS if label.id >= 0]
    assert {label.name: label.id for label in labels} == ID
    assert {label.id for label in labels if label.has_instances} == THINGS
    assert [tuple(color) for color in PALETTE[:34]] == [label.color for label in labels]
    assert not PALETTE[34:].any()
    assert (label_table('cityscapes').train_ids == TRAIN_IDS).all()


@pytest.mark.parametrize('look', ['game', 'real', 'varied'])
def test_equal_arguments_give_equal_pixels(look):
    first, again = (render_frame(look, 3, 5, SIZE) for _ in range(2))
    for name, dtype in (('image', 'u1'), ('label_ids', 'u1'), ('instance_ids', 'u2')):
        array = getattr(first, name)
        assert array.shape[:2] == (64, 128) and array.dtype == dtype
        np.testing.assert_array_equal(array, getattr(again, name))


def test_seed_index_and_stream_each_give_another_street():
    base = render_frame('game', 0, 0, SIZE).label_ids
    for other in (
        render_frame('game', 1, 0, SIZE),
        render_frame('game', 0, 1, SIZE),
        render_frame('game', 0, 0, SIZE, stream='val'),
    ):
        assert (other.label_ids != base).mean() > 0.05


@pytest.mark.parametrize('look', ['game', 'real', 'varied'])
def test_instance_ids_belong_to_their_labels(look):
    for index in range(3):
        frame = render_frame(look, 0, index, SIZE)
        labels = frame.label_ids.astype(int)
        instances = frame.instance_ids.astype(int)
        things = np.isin(labels, list(THINGS))
        assert things.any()
        np.testing.assert_array_equal(instances[things] // 1000, labels[things])
        np.testing.assert_array_equal(instances[~things], labels[~things])


def test_varied_streets_differ_more_than_those_of_a_world():
    spread = {}
    for look in ('game', 'real', 'varied'):
        images = [render_frame(look, 0, i, SIZE).image.astype(float) for i in range(12)]
        grey = [image.mean(2) for image in images]
        colors = [np.ptp(image.mean((0, 1))) for image in images]
        spread[look] = np.array(
            [np.std([g.mean() for g in grey]), np.std([g.std() for g in grey])]
            + [np.std(colors)]
        )
    assert (spread['varied'] > np.maximum(spread['game'], spread['real'])).all()


@pytest.mark.parametrize('look', ['game', 'real'])
def test_all_classes_occur_and_rare_ones_are_rare(look):
    frames = 32
    share = np.zeros(len(CLASSES))
    pixels = np.zeros(len(CLASSES))
    for index in range(frames):
        train_ids = TRAIN_IDS[render_frame(look, 0, index, SIZE).label_ids]
        counts = np.bincount(train_ids.ravel(), minlength=256)[: len(CLASSES)]
        share += (counts > 0) / frames
        pixels += counts
    assert (share > 0).all(), dict(zip(CLASSES, share))
    of_all = dict(zip(CLASSES, pixels / pixels.sum()))
    assert of_all['road'] > 0.2 and of_all['building'] > 0.1
    for name in ('train', 'truck', 'bus', 'motorcycle', 'bicycle'):
        assert of_all[name] < 0.04, name
    assert share[CLASSES.index('train')] < 0.4


@pytest.mark.parametrize('size', [(128, 64), (2048, 1024)])
def test_ends_of_the_size_range(size):
    frame = render_frame('real', 0, 0, size)
    assert frame.image.shape == (size[1], size[0], 3)
    # The frame must not hide the border beside it at any size.
    assert {1, 2, 3} <= set(np.unique(frame.label_ids))


def test_other_sizes_and_looks_are_refused():
    for size in ((64, 64), (4096, 1024)):
        with pytest.raises(ValueError, match='128 to 2048'):
            render_frame('game', 0, 0, size)
    with pytest.raises(ValueError, match="'game', 'real'"):
        render_frame('cartoon', 0, 0, SIZE)


def test_game_has_no_own_car_and_both_have_void_ids():
    frames = [render_frame('game', 0, index, SIZE) for index in range(12)]
    seen = set(np.unique([frame.label_ids for frame in frames]))
    assert not seen & {1, 2, 3}
    assert seen & {4, 5, 9, 10, 14, 15, 16, 18, 29, 30}


def test_things_move_and_keep_their_instance():
    moved = 0
    for index in range(4):
        now = render_frame('real', 0, index, SIZE).instance_ids
        later = render_frame('real', 0, index, SIZE, step=6).instance_ids
        for thing in np.intersect1d(now[now >= 1000], later[later >= 1000]):
            before, after = now == thing, later == thing
            if min(before.sum(), after.sum()) < 40:
                continue
            # A third of a second moves a near thing, yet not far.
            centres = [np.mean(np.nonzero(mask), axis=1) for mask in (before, after)]
            assert np.linalg.norm(centres[1] - centres[0]) < 60
            moved += (before != after).any()
    assert moved >= 5


def test_the_two_looks_differ_in_light_and_colour():
    brightness, saturation = {}, {}
    for look in ('game', 'real'):
        images = [render_frame(look, 0, index, SIZE).image for index in range(4)]
        pictures = np.stack(images).astype(float)
        brightness[look] = pictures.mean()
        saturation[look] = (pictures.max(-1) - pictures.min(-1)).mean()
    assert brightness['game'] > brightness['real'] + 15
    assert saturation['game'] > 2 * saturation['real']
