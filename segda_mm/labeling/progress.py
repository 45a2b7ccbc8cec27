"""How far a long job is, told now and then."""

from __future__ import annotations

import time
from collections.abc import Callable

from mmengine.logging import print_log


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
        finished = self._done == self._total
        if now - self._told >= self._interval or finished:
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
