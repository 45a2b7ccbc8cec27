"""What was predicted on a picture, and stages that work side by side."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from segda_mm.visualization import colorize

Item = TypeVar('Item')


@dataclass(frozen=True)
class Frame:
    """A picture and its prediction, on the picture's grid.

    Attributes:
        image: (H, W, 3) uint8 in RGB.
        labels: (H, W) uint8, the most probable class.
        confidence: (H, W) float32 in [0, 1], the probability of that class; None of
            a graph that gives labels only, or where it was not asked for.
        name: What files about it are called, without suffix; may hold folders.
        path: The image or the video; None of cameras and arrays.
        index: Its number in the source, from 0.
        time: Seconds since the start of a video; None of others.
        palette: RGB of the classes, (C, 3).
        orientation: How viewers turn the image file, by EXIF's number; 1: not at all.
    """

    image: np.ndarray
    labels: np.ndarray
    confidence: np.ndarray | None
    name: str
    path: Path | None
    index: int
    time: float | None
    palette: list[list[int]] = field(repr=False)
    orientation: int = 1

    def colors(self) -> np.ndarray:
        """The labels in the classes' colours, (H, W, 3) uint8 in RGB."""
        return colorize(self.labels, self.palette)

    def overlay(self, opacity: float = 0.5) -> np.ndarray:
        """The picture under the classes' colours, (H, W, 3) uint8 in RGB.

        Args:
            opacity: Share of the colours, in [0, 1].
        """
        return cv2.addWeighted(self.image, 1 - opacity, self.colors(), opacity, 0)


def ahead(items: Iterator[Item], waiting: int = 2) -> Generator[Item]:
    """Let an iterator run in a thread, a few items ahead of who takes them.

    The thread ends with the iterator, its error is raised here, and where the taker
    stops early the iterator is closed.

    Args:
        items: A generator.
        waiting: Items that may wait to be taken: what memory is needed for.
    """
    waiting_items: queue.Queue[tuple[str, Any]] = queue.Queue(waiting)
    stopped = threading.Event()

    def put(kind: str, value: Any = None) -> None:
        while not stopped.is_set():
            with contextlib.suppress(queue.Full):
                waiting_items.put((kind, value), timeout=0.1)
                return

    def work() -> None:
        try:
            for item in items:
                put('item', item)
                if stopped.is_set():
                    break
            put('end')
        # Whatever it is, it belongs to who takes the items.
        except BaseException as error:
            put('error', error)
        finally:
            close = getattr(items, 'close', None)
            if close is not None:
                close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            kind, value = waiting_items.get()
            if kind == 'end':
                return
            if kind == 'error':
                raise value
            yield value
    finally:
        stopped.set()
        thread.join()
