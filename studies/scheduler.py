"""Several runs at once, each after those that it needs."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studies.progress import Task


def carry_out_all(
    tasks: Sequence[Task], jobs: int, start: Callable[[Task], Any]
) -> bool:
    """Carry out tasks, several at once, each after those that it needs.

    Where one fails, those that need it are left out, and the others go on.

    Args:
        tasks: In an order in which they can be done.
        jobs: At once.
        start: Begins a task; returns what has ``poll()``, its exit code or None, and
            ``terminate()`` and ``wait()``, as :class:`subprocess.Popen`.

    Returns:
        Whether all of them ended well.
    """
    waiting, running = list(tasks), {}
    failed: set[tuple[str, int]] = set()
    try:
        while waiting or running:
            for task in list(waiting):
                open_keys = {other.key for other in [*waiting, *running]}
                if task.needs & failed:
                    print(f'{task}: left out, what it needs failed', flush=True)
                    failed.add(task.key)
                elif len(running) == jobs or task.needs & open_keys:
                    continue
                else:
                    running[task] = start(task)
                waiting.remove(task)
            for task, process in list(running.items()):
                code = process.poll()
                if code is None:
                    continue
                del running[task]
                print(f'{task}: {"failed" if code else "done"}', flush=True)
                if code:
                    failed.add(task.key)
            time.sleep(0.2 if running else 0)
    finally:
        for process in running.values():
            process.terminate()
            process.wait()
    return not failed


def end_with_parent() -> None:
    """End this process as a kill does when the one that started it has ended."""

    def watch() -> None:
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
