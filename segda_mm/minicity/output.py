"""How a world gets to disk: whole files, by several processes, in a claimed folder."""

from __future__ import annotations

import gc
import json
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
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

    It is (H, W) uint8 or uint16, (H, W, 3) or (H, W, 4) uint8; a ``palette`` (256, 3),
    uint8 RGB, makes a palette file.
    """
    picture = Image.fromarray(array)
    if palette is not None:
        picture.putpalette(palette.tobytes())
    with atomic_file(path) as unfinished:
        # Level 1: half the time of the default for 10 % more bytes.
        picture.save(unfinished, format='PNG', compress_level=1)


def write_world(
    root: str | Path,
    settings: dict[str, Any],
    job: Callable[[Any], None],
    arguments: Sequence[Any],
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Claim a folder, fill it by jobs, and note that every file is there.

    ``settings`` are the JSON values that decide what the files contain, and that
    ``minicity.json`` keeps; the picklable ``job`` writes what one argument stands for.

    Raises:
        ValueError: ``workers`` is below 1, or the folder holds other files or frames
            of other settings.
    """
    if workers < 1:
        raise ValueError(f'workers is {workers}, but must be at least 1.')
    root = Path(root)
    settings = dict(world_version=WORLD_VERSION, **settings)
    if (root / MANIFEST).exists():
        _check_claimed(root, settings)
    elif any(path.suffix != '.unfinished' for path in root.glob('*')):
        raise ValueError(
            f'{root} is not empty and has no {MANIFEST}, so it was not written by '
            'the miniature world. Choose an empty folder.'
        )
    else:
        _write_manifest(root, settings, complete=False)
    _run_jobs(job, arguments, workers, progress or (lambda done, total: None))
    _write_manifest(root, settings, complete=True)


def _check_claimed(root: Path, settings: dict[str, Any]) -> None:
    found = json.loads((root / MANIFEST).read_text())['settings']
    other = [
        f'{key} is {found.get(key)!r} there and {settings.get(key)!r} here'
        for key in {**found, **settings}
        if found.get(key) != settings.get(key)
    ]
    if other:
        raise ValueError(
            f'{root} already holds a miniature world with other settings '
            f'({"; ".join(other)}). Choose another output folder, or delete this one '
            'to write it anew.'
        )


def _write_manifest(root: Path, settings: dict[str, Any], complete: bool) -> None:
    content = dict(settings=settings, complete=complete)
    with atomic_file(root / MANIFEST) as unfinished:
        unfinished.write_text(json.dumps(content, indent=2) + '\n')


def _run_jobs(
    job: Callable[[Any], None],
    arguments: Sequence[Any],
    workers: int,
    progress: Callable[[int, int], None],
) -> None:
    if workers == 1:
        for done, argument in enumerate(arguments, start=1):
            job(argument)
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
        with ProcessPoolExecutor(workers, context, _start_worker) as pool:
            # Once one job fails, this cancels those that have not begun.
            for done, _ in enumerate(pool.map(job, arguments), start=1):
                progress(done, len(arguments))
    finally:
        cv2.setNumThreads(threads)


def _start_worker() -> None:
    cv2.setNumThreads(1)
    # What was imported stays: the collector need not walk through it after
    # every few streets.
    gc.freeze()
