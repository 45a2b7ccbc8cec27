"""Threads that work off a queue of limited length."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore


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
