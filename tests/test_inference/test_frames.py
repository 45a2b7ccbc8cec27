import threading
import time

import numpy as np
import pytest

from segda_mm.inference.frames import Frame, ahead


def test_a_stage_works_ahead_of_its_taker_but_not_far():
    made = []

    def numbers():
        for number in range(100):
            made.append(number)
            yield number

    stage = ahead(numbers(), waiting=3)
    assert next(stage) == 0
    time.sleep(0.3)
    # One is taken, three wait, and one is about to.
    assert len(made) == 5
    assert list(stage) == list(range(1, 100))


def test_errors_come_through_stages():
    def failing():
        yield 1
        raise ValueError('an image is broken')

    stage = ahead(ahead(failing()))
    assert next(stage) == 1
    with pytest.raises(ValueError, match='an image is broken'):
        next(stage)


def test_who_stops_early_leaves_no_thread():
    closed = []

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.append(True)

    before = threading.active_count()
    stage = ahead(endless())
    next(stage)
    assert threading.active_count() > before
    stage.close()
    assert threading.active_count() == before
    assert closed == [True]


def test_overlay_by_hand():
    image = np.full((1, 2, 3), 100, np.uint8)
    labels = np.array([[1, 255]], np.uint8)
    palette = [[0, 0, 0], [200, 0, 20]]
    frame = Frame(image, labels, None, 'a', None, 0, None, palette)
    np.testing.assert_array_equal(frame.colors(), [[[200, 0, 20], [0, 0, 0]]])
    np.testing.assert_array_equal(frame.overlay(0.25), [[[125, 75, 80], [75, 75, 75]]])
