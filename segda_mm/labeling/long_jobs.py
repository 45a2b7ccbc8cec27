"""Long jobs: threads behind a short queue, and messages on how far they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore

from mmengine.logging import print_log


class BoundedPool:
    """Run calls in threads; whoever submits faster than they run has to wait.

    What waits in the queue takes memory: its length does not depend on the
    number of calls. For work that releases the interpreter lock, such as
    compression. A context manager, whose end waits for all calls.

    Args:
        threads: Number of threads.
        waiting: Number of calls that may wait for a thread.
    """

    def __init__(self, threads: int, waiting: int) -> None:
        self._executor = ThreadPoolExecutor(threads)
        self._places = BoundedSemaphore(threads + waiting)
        self._failure: BaseException | None = None

    def submit(self, function: Callable, *args) -> None:
        """Queue a call; wait first while the queue is full.

        Raises:
            Exception: What an earlier call raised.
        """
        self._places.acquire()
        if self._failure is not None:
            self._places.release()
            raise self._failure
        self._executor.submit(function, *args).add_done_callback(self._finish)

    def _finish(self, call: Future) -> None:
        if not call.cancelled() and self._failure is None:
            self._failure = call.exception()
        self._places.release()

    def __enter__(self) -> BoundedPool:
        return self

    def __exit__(self, kind, *_) -> None:
        self._executor.shutdown(wait=True, cancel_futures=kind is not None)
        if kind is None and self._failure is not None:
            raise self._failure


class Progress:
    """Log how much is done, at which rate, and how long the rest will take.

    Args:
        doing: What is being done, as 'labelled'.
        total: Number of things to do.
        interval: Seconds between two messages.
        clock: Seconds since some moment.
    """

    def __init__(
        self,
        doing: str,
        total: int,
        interval: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._doing = doing
        self._total = total
        self._interval = interval
        self._clock = clock
        self._begin = self._told = clock()
        self._done = 0

    def step(self, count: int) -> None:
        """Count things as done, and tell if it is time to."""
        self._done += count
        now = self._clock()
        if now - self._told >= self._interval or self._done == self._total:
            self._told = now
            print_log(self._message(now - self._begin), logger='current')

    def _message(self, seconds: float) -> str:
        rate = self._done / max(seconds, 1e-9)
        left = round((self._total - self._done) / rate)
        hours, minutes = divmod(left // 60, 60)
        return (
            f'{self._doing} {self._done} of {self._total}, {rate:.2f} a second, '
            f'{hours}:{minutes:02}:{left % 60:02} left'
        )
