"""The frames of a video as image files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from segda_mm.datasets.formats.label_checksums import read_json
from segda_mm.errors import DataError
from segda_mm.files import atomic_file, write_json

from .long_jobs import BoundedPool, Progress

VIDEO_SUFFIXES = ('.avi', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.webm')


def is_video(path: str | Path) -> bool:
    """Whether a path has the suffix of a video file."""
    return str(path).lower().endswith(VIDEO_SUFFIXES)


def extract_frames(
    videos: Sequence[str | Path], folder: str | Path, num_writers: int
) -> list[str]:
    """Write every frame of some videos as ``<folder>/<video's stem>/<number>.png``.

    Frames that an earlier, maybe killed, call has written are left as they are;
    ``<folder>/<stem>.json`` remembers which video they are of.

    Returns:
        Paths of all frames relative to the folder, in their order.

    Raises:
        DataError: A video does not exist, cannot be decoded, shares its stem
            with another one, or the folder holds frames of another video.
    """
    folder = Path(folder)
    by_stem: dict[str, Path] = {}
    for video in map(Path, videos):
        if not video.is_file():
            raise DataError('video does not exist', file=video)
        other = by_stem.setdefault(video.stem, video)
        if other != video:
            raise DataError(
                f'would share the folder of its frames with {other}',
                file=video,
                remedy='Rename one of the two videos',
            )
    return [
        f'{stem}/{name}'
        for stem, video in by_stem.items()
        for name in _extract(video, folder / stem, num_writers)
    ]


def _extract(video: Path, folder: Path, num_writers: int) -> list[str]:
    record = folder.with_suffix('.json')
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
            return [path.name for path in paths]
    write_json(record, dict(source=source, frames=None))
    capture = cv2.VideoCapture(str(video))
    # What the container says, for the time left; it may be wrong.
    expected = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    progress = Progress(f'Frames of {video.name}:', expected)
    names = []
    with BoundedPool(num_writers) as pool:
        while capture.grab():
            path = _frame(folder, len(names))
            if path not in present:
                decoded, frame = capture.retrieve()
                if not decoded:
                    break
                pool.submit(_write_frame, path, frame)
            names.append(path.name)
            progress.step(1)
    if not names:
        raise DataError(
            'has no frame that OpenCV can decode',
            file=video,
            remedy='Convert it, as with `ffmpeg -i VIDEO -c:v mjpeg -q:v 2 OUT.avi`',
        )
    write_json(record, dict(source=source, frames=len(names)))
    return names


def _write_frame(path: Path, frame: np.ndarray) -> None:
    _, png = cv2.imencode('.png', frame)
    with atomic_file(path) as unfinished:
        unfinished.write_bytes(png)


def _frame(folder: Path, number: int) -> Path:
    return folder / f'{number:06}.png'
