"""Some frames of a video, as image files to train on."""

from __future__ import annotations

import json
import os.path as osp
from hashlib import sha256
from pathlib import Path

import cv2
from mmengine.logging import print_log

from segda_mm.errors import MissingDataError
from segda_mm.files import atomic_file, write_json

from .formats.videos import (
    MAX_LOST_FRAMES,
    announced_frames,
    grab_all,
    open_video,
    require_most_frames,
)

#: Frames a second, where a video does not tell its rate.
_USUAL_RATE = 25.0


def sample_frames(
    video: str | Path, folder: str | Path, frames_per_second: float
) -> list[str]:
    """Write frames of a video, evenly spaced in time, as JPEG files.

    They go to a folder of the video's name, size and time of change below ``folder``,
    and are not made twice; neighbours in a video show nearly the same.

    Returns:
        Paths of the frames, in their order.

    Raises:
        MissingDataError: There is no such video.
        DataError: It has no frame that can be decoded, or is too damaged.
    """
    video = Path(video)
    if not video.is_file():
        raise MissingDataError(
            'video does not exist', folder=video, expected='a video file'
        )
    about = video.stat()
    key = (
        f'{osp.abspath(video)} {about.st_size} {about.st_mtime_ns} {frames_per_second}'
    )
    home = Path(folder, f'{video.stem}-{sha256(key.encode()).hexdigest()[:8]}')
    record = home / 'frames.json'
    if record.is_file():
        paths = [str(home / name) for name in json.loads(record.read_text())]
        if all(map(osp.isfile, paths)):
            return paths
    names = _write_frames(video, home, frames_per_second)
    write_json(record, names)
    return [str(home / name) for name in names]


def _write_frames(video: Path, home: Path, frames_per_second: float) -> list[str]:
    capture = open_video(video)
    announced = announced_frames(capture)
    rate = capture.get(cv2.CAP_PROP_FPS) or _USUAL_RATE
    step = max(1, round(rate / frames_per_second))
    print_log(f'Taking one of {step} frames of {video} to {home}', logger='current')
    names: list[str] = []
    found = 0
    for number, _ in enumerate(grab_all(capture)):
        found += 1
        if number % step:
            continue
        decoded, frame = capture.retrieve()
        if decoded:
            names.append(f'{number:06}.jpg')
            quality = (cv2.IMWRITE_JPEG_QUALITY, 95)
            with atomic_file(home / names[-1]) as unfinished:
                unfinished.write_bytes(cv2.imencode('.jpg', frame, quality)[1])
    capture.release()
    require_most_frames(video, found, announced, MAX_LOST_FRAMES)
    return names
