"""How a world gets to disk: whole files, by several processes, in a claimed folder."""

from __future__ import annotations

import gc
import json
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from segda_mm.files import atomic_file

MANIFEST = 'minicity.json'

#: Raise it whenever the same seed gives other pictures.
WORLD_VERSION = 1


def write_png(
    path: str | Path, array: np.ndarray, palette: np.ndarray | None = None
) -> None:
    """Write an array as a PNG file, whole or not at all.

    Args:
        path: The file; its folder is made when missing.
        array: (H, W) uint8 or uint16, (H, W, 3) or (H, W, 4) uint8.
        palette: (256, 3) uint8 RGB; makes a palette file.
    """
    picture = Image.fromarray(array)
    if palette is not None:
        picture.putpalette(palette.tobytes())
    with atomic_file(path) as unfinished:
        # Level 1: half the time of the default for 10 % more bytes.
        picture.save(unfinished, format='PNG', compress_level=1)


class Manifest:
    """The file ``minicity.json`` at the root of a written data set.

    ``settings`` are the JSON values that decide what the files contain.
    """

    def __init__(self, root: str | Path, settings: dict[str, Any]) -> None:
        self.path = Path(root) / MANIFEST
        self.settings = dict(world_version=WORLD_VERSION, **settings)

    def claim(self) -> None:
        """Take the folder for these settings.

        Raises:
            ValueError: The folder holds other files, or frames that were written
                with other settings.
        """
        root = self.path.parent
        if self.path.exists():
            found = json.loads(self.path.read_text())['settings']
            other = [
                f'{key} is {found.get(key)!r} there and {value!r} here'
                for key, value in self.settings.items()
                if found.get(key) != value
            ]
            if other:
                raise ValueError(
                    f'{root} already holds a miniature world with other settings '
                    f'({"; ".join(other)}). Choose another output folder, or delete '
                    'this one to write it anew.'
                )
            return
        if root.exists() and any(
            path.suffix != '.unfinished' for path in root.iterdir()
        ):
            raise ValueError(
                f'{root} is not empty and has no {MANIFEST}, so it was not written by '
                'the miniature world. Choose an empty folder.'
            )
        self.write(complete=False)

    def write(self, complete: bool) -> None:
        """Write it; ``complete`` says whether every file is there."""
        content = dict(settings=self.settings, complete=complete)
        with atomic_file(self.path) as unfinished:
            unfinished.write_text(json.dumps(content, indent=2) + '\n')


def run_jobs(
    job: Callable[[Any], None],
    arguments: Sequence[Any],
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Call a picklable function once for every argument.

    Args:
        job: Takes one argument.
        arguments: One entry per job.
        workers: Processes; 1 stays in this one.
        progress: Called as ``progress(done, total)`` after every job.

    Raises:
        ValueError: ``workers`` is below 1.
    """
    if workers < 1:
        raise ValueError(f'workers is {workers}, but must be at least 1.')
    if workers == 1:
        for done, argument in enumerate(arguments, start=1):
            job(argument)
            if progress:
                progress(done, len(arguments))
        return
    # A forked worker inherits the imported package; a spawned one would
    # import all of it, deep-learning libraries included.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context('fork' if 'fork' in methods else 'spawn')
    threads = cv2.getNumThreads()
    # One thread ends OpenCV's pool: a child forked beside a living pool
    # would crash or hang over threads that it does not have.
    cv2.setNumThreads(1)
    try:
        with ProcessPoolExecutor(
            workers, mp_context=context, initializer=_start_worker
        ) as pool:
            futures = [pool.submit(job, argument) for argument in arguments]
            try:
                for done, future in enumerate(as_completed(futures), start=1):
                    future.result()
                    if progress:
                        progress(done, len(arguments))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    finally:
        cv2.setNumThreads(threads)


def _start_worker() -> None:
    cv2.setNumThreads(1)
    # What was imported stays: the collector need not walk through it after
    # every few streets.
    gc.freeze()
