"""Long jobs: threads behind a short queue, and messages on how far they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore

from mmengine.logging import print_log


class BoundedPool:
    """Run calls in threads; whoever submits faster than they run has to wait.

    A context manager, whose end waits for all calls.

    Args:
        threads: Number of threads, and of calls that may wait for one.
    """

    def __init__(self, threads: int) -> None:
        self._executor = ThreadPoolExecutor(threads)
        self._places = BoundedSemaphore(2 * threads)
        self._failure: BaseException | None = None

    def submit(self, function: Callable, *args) -> None:
        """Queue a call, waiting for a place; raises what an earlier call raised."""
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
    """Log every ten seconds how much is done, at which rate, and the time left.

    Args:
        doing: What is being done, as 'labelled'.
        total: Number of things to do.
    """

    def __init__(self, doing: str, total: int) -> None:
        self._doing = doing
        self._total = total
        self._begin = self._told = time.monotonic()
        self._done = 0

    def step(self, count: int) -> None:
        """Count things as done, and tell if it is time to."""
        self._done += count
        now = time.monotonic()
        if now - self._told < 10 and self._done != self._total:
            return
        self._told = now
        rate = self._done / max(now - self._begin, 1e-9)
        left = round((self._total - self._done) / rate)
        hours, minutes = divmod(left // 60, 60)
        print_log(
            f'{self._doing} {self._done} of {self._total}, {rate:.2f} a second, '
            f'{hours}:{minutes:02}:{left % 60:02} left',
            logger='current',
        )
