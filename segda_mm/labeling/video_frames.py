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

    Args:
        videos: Video files.
        folder: Where the frames go.
        num_writers: Threads that compress and write.

    Returns:
        Paths of all frames relative to the folder, in their order.

    Raises:
        DataError: A video does not exist, cannot be decoded, shares its stem
            with another one, or the folder holds frames of another video.
        FileNotWrittenError: The disk is full, or the like.
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
        names = [_frame_name(number) for number in range(known['frames'])]
        if all(folder / name in present for name in names):
            return names
    write_json(record, dict(source=source, frames=None))
    count = _write_frames(video, folder, present, num_writers)
    if count == 0:
        raise DataError(
            'has no frame that OpenCV can decode',
            file=video,
            remedy='Convert it, as with `ffmpeg -i VIDEO -c:v mjpeg -q:v 2 OUT.avi`',
        )
    write_json(record, dict(source=source, frames=count))
    return [_frame_name(number) for number in range(count)]


def _write_frames(
    video: Path, folder: Path, present: set[Path], num_writers: int
) -> int:
    capture = cv2.VideoCapture(str(video))
    # What the container says, for the time left; it may be wrong.
    progress = Progress(
        f'Frames of {video.name}:', int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    )
    count = 0
    try:
        with BoundedPool(num_writers) as pool:
            while capture.grab():
                path = folder / _frame_name(count)
                if path not in present:
                    decoded, frame = capture.retrieve()
                    if not decoded:
                        break
                    pool.submit(_write_frame, path, frame)
                count += 1
                progress.step(1)
    finally:
        capture.release()
    return count


def _write_frame(path: Path, frame: np.ndarray) -> None:
    _, png = cv2.imencode('.png', frame)
    with atomic_file(path) as unfinished:
        unfinished.write_bytes(png)


def _frame_name(number: int) -> str:
    return f'{number:06}.png'
