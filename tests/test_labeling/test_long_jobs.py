"""Threads behind a queue of limited length, and messages on a long job."""

import threading
from unittest import mock

import pytest

from segda_mm.labeling import long_jobs
from segda_mm.labeling.long_jobs import BoundedPool, Progress


def test_submitting_waits_while_the_queue_is_full():
    go, done = threading.Event(), []
    submitted = []

    def job(number):
        go.wait(10)
        done.append(number)

    def submit_all():
        with BoundedPool(2) as pool:
            for number in range(6):
                pool.submit(job, number)
                submitted.append(number)

    thread = threading.Thread(target=submit_all)
    thread.start()
    thread.join(0.5)
    # Two at work and two waiting; the fifth finds no place.
    assert submitted == [0, 1, 2, 3]
    go.set()
    thread.join(10)
    assert sorted(done) == [0, 1, 2, 3, 4, 5]


def test_a_failure_reaches_who_submits():
    def fail():
        raise OSError('disk full')

    with pytest.raises(OSError, match='disk full'), BoundedPool(1) as pool:
        for _ in range(100):
            pool.submit(fail)


def test_rate_and_time_left():
    clock = mock.patch.object(long_jobs.time, 'monotonic')
    with mock.patch.object(long_jobs, 'print_log') as log, clock as now:
        now.side_effect = [100.0, 105.0, 120.0, 140.0]
        job = Progress('Labelled', 7290)
        job.step(5)
        job.step(5)
        job.step(7280)
    messages = [call.args[0] for call in log.call_args_list]
    assert messages == [
        'Labelled 10 of 7290, 0.50 a second, 4:02:40 left',
        'Labelled 7290 of 7290, 182.25 a second, 0:00:00 left',
    ]
