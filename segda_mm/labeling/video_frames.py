"""The frames of a video as image files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from segda_mm.datasets.formats.label_checksums import read_json
from segda_mm.datasets.formats.videos import (
    MAX_LOST_FRAMES,
    announced_frames,
    grab_all,
    open_video,
    require_most_frames,
)
from segda_mm.errors import DataError
from segda_mm.files import atomic_file, write_json

from .long_jobs import BoundedPool, Progress


def extract_frames(
    videos: Sequence[str | Path],
    folder: str | Path,
    num_writers: int,
    max_lost: float = MAX_LOST_FRAMES,
) -> list[str]:
    """Write every frame of some videos, upright, as ``<folder>/<stem>/<number>.png``.

    Videos that differ in their suffix alone get folders of their whole names. Frames
    that an earlier, maybe killed, call has written are left as they are;
    ``<folder>/<stem>.json`` remembers which video they are of.

    Args:
        videos: Video files.
        folder: Where the frames go.
        num_writers: Threads that compress and write.
        max_lost: See :func:`require_most_frames`.

    Returns:
        Paths of all frames relative to the folder, in their order.

    Raises:
        DataError: A video does not exist, is too damaged, has the name of another one,
            or the folder holds frames of another video.
    """
    folder = Path(folder)
    stems = Counter(Path(video).stem for video in videos)
    by_name: dict[str, Path] = {}
    for video in map(Path, videos):
        if not video.is_file():
            raise DataError('video does not exist', file=video)
        name = video.stem if stems[video.stem] == 1 else video.name
        other = by_name.setdefault(name, video)
        if other != video:
            raise DataError(
                f'would share the folder of its frames with {other}',
                file=video,
                remedy='Rename one of the two videos',
            )
    return [
        f'{name}/{frame}'
        for name, video in by_name.items()
        for frame in _extract(video, folder / name, num_writers, max_lost)
    ]


def _extract(video: Path, folder: Path, num_writers: int, max_lost: float) -> list[str]:
    # Its name may have dots, and another's may begin with the part before them.
    record = folder.with_name(f'{folder.name}.json')
    source = dict(video=video.name, bytes=video.stat().st_size)
    known = read_json(record, f'Remove it and {folder}, and start again')
    if known is not None and known['source'] != source:
        raise DataError(
            f'holds frames of {known["source"]}, to which those of {source} must '
            'not be added',
            file=folder,
            remedy='Remove the folder and the .json beside it, or choose another one',
        )
    present = set(folder.glob('*.png'))
    if known is not None and known['frames'] is not None:
        paths = [_frame(folder, number) for number in range(known['frames'])]
        if present.issuperset(paths):
            announced = known.get('announced', len(paths))
            require_most_frames(video, len(paths), announced, max_lost)
            return [path.name for path in paths]
    write_json(record, dict(source=source, frames=None))
    capture = open_video(video)
    announced = announced_frames(capture)
    progress = Progress(f'Frames of {video.name}:', announced)
    names = []
    with BoundedPool(num_writers) as pool:
        for _ in grab_all(capture):
            path = _frame(folder, len(names))
            if path not in present:
                decoded, frame = capture.retrieve()
                if not decoded:
                    break
                pool.submit(_write_frame, path, frame)
            names.append(path.name)
            progress.step(1)
    require_most_frames(video, len(names), announced, max_lost)
    write_json(record, dict(source=source, frames=len(names), announced=announced))
    return names


def _write_frame(path: Path, frame: np.ndarray) -> None:
    _, png = cv2.imencode('.png', frame)
    with atomic_file(path) as unfinished:
        unfinished.write_bytes(png)


def _frame(folder: Path, number: int) -> Path:
    return folder / f'{number:06}.png'
