"""Threads behind a queue of limited length."""

import threading

import pytest

from segda_mm.labeling.bounded_pool import BoundedPool


def test_submitting_waits_while_the_queue_is_full():
    go, done = threading.Event(), []
    submitted = []

    def job(number):
        go.wait(10)
        done.append(number)

    def submit_all():
        with BoundedPool(1, waiting=2) as pool:
            for number in range(6):
                pool.submit(job, number)
                submitted.append(number)

    thread = threading.Thread(target=submit_all)
    thread.start()
    thread.join(0.5)
    # One at work and two waiting; the fourth finds no place.
    assert submitted == [0, 1, 2]
    go.set()
    thread.join(10)
    assert done == [0, 1, 2, 3, 4, 5]


def test_a_failure_reaches_who_submits():
    def fail():
        raise OSError('disk full')

    with pytest.raises(OSError, match='disk full'), BoundedPool(1, 1) as pool:
        pool.submit(fail)
    with pytest.raises(OSError, match='disk full'), BoundedPool(1, 1) as pool:
        for _ in range(100):
            pool.submit(fail)


def test_a_failure_of_who_submits_is_not_replaced():
    with pytest.raises(KeyError), BoundedPool(1, 1):
        raise KeyError
