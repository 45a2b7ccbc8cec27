"""Predictions as files: PNGs of labels, colours and overlays, and videos."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from segda_mm.datasets.discovery import IMAGE_SUFFIXES, has_suffix, is_video
from segda_mm.errors import DataError, FileNotWrittenError, PreflightError
from segda_mm.files import atomic_file
from segda_mm.labeling.long_jobs import Progress
from segda_mm.outputs import (
    note_files,
    note_folder,
    require_apart,
    require_own_files,
    require_own_folder,
)

from .frames import Frame, ahead
from .onnx_predict import upright
from .sources import Source

#: What can be written of a frame.
KINDS = ('labels', 'colors', 'overlay')

NOTHING = 'there is no picture to predict on'


def check_output(out: Path, kinds: Sequence[str], source: Source) -> None:
    """Refuse what cannot be written, before anything is predicted.

    Args:
        out: A video, or a folder.
        kinds: Of :data:`KINDS`.
        source: What will be read.

    Raises:
        PreflightError: A kind is unknown, a video is to hold more than one kind or
            labels, or ``out`` is what is read, lies within it, or is of others.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise PreflightError(
            f'nothing called {", ".join(unknown) or "nothing"} can be saved; choose '
            f'from {", ".join(KINDS)}'
        )
    if is_video(out) and tuple(kinds) not in (('colors',), ('overlay',)):
        raise PreflightError(
            f'{out} is one video of overlays or of colors and cannot hold '
            f'{", ".join(kinds)}; name a folder for them'
        )
    if has_suffix(out, IMAGE_SUFFIXES):
        raise PreflightError(f'{out} is an image; name a folder, or a video as out.mp4')
    if is_video(out):
        require_apart(out, source.folders)
        require_own_files([out], source.files)
    else:
        files = () if source.is_video else source.files
        require_own_folder(out, source.folders, files)


def write_frames(
    frames: Iterator[Frame],
    out: Path,
    kinds: Sequence[str],
    source: Source,
    opacity: float,
) -> int:
    """Write all frames, drawing while others are predicted.

    Args:
        frames: What was predicted.
        out: A video of the source's frame rate, or a folder for
            ``<kind>/<name>.png``.
        kinds: See :func:`check_output`.
        source: Where the frames come from.
        opacity: Share of the colours in an overlay.

    Returns:
        The number of frames.

    Raises:
        DataError: The frames of a video differ in size, or there is none.
        FileNotWrittenError: The disk is full, or the like.
    """
    progress = Progress('Predicted', source.total) if source.total else None
    count = 0
    if is_video(out):
        written = _write_video(frames, out, kinds[0], source.rate, opacity)
    else:
        written = ahead(_write_pngs(frames, out, kinds, opacity))
    for _ in written:
        count += 1
        if progress is not None:
            progress.step(1)
    if count == 0:
        raise DataError(NOTHING)
    return count


def _picture(frame: Frame, kind: str, opacity: float) -> np.ndarray:
    """(H, W) of labels, else (H, W, 3) in OpenCV's BGR."""
    if kind == 'labels':
        return frame.labels
    if kind == 'colors':
        drawn = frame.colors()
    else:
        # It shall look like the photo in a viewer.
        drawn = upright(frame.overlay(opacity), frame.orientation)
    return cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR)


def _write_pngs(
    frames: Iterator[Frame], out: Path, kinds: Sequence[str], opacity: float
) -> Iterator[None]:
    for number, frame in enumerate(frames):
        if number == 0:
            note_folder(out)
        for kind in kinds:
            _, png = cv2.imencode('.png', _picture(frame, kind, opacity))
            with atomic_file(out / kind / f'{frame.name}.png') as unfinished:
                unfinished.write_bytes(png)
        yield


def _write_video(
    frames: Iterator[Frame], out: Path, kind: str, rate: float, opacity: float
) -> Iterator[None]:
    pictures = ahead((f.name, _picture(f, kind, opacity)) for f in frames)
    writer = size = None
    count = 0
    with atomic_file(out) as unfinished:
        # OpenCV tells the container by the suffix.
        part = unfinished.with_name(unfinished.name + out.suffix)
        try:
            for name, picture in pictures:
                if writer is None:
                    size = picture.shape[1::-1]
                    writer = _open_video(part, out, rate, size)
                if picture.shape[1::-1] != size:
                    raise DataError(
                        f'{name} is {picture.shape[1::-1]} (width, height) and the '
                        f'first picture {size}; one video cannot hold both. Save '
                        'them to a folder'
                    )
                writer.write(picture)
                count += 1
                yield
            if writer is None:
                raise DataError(NOTHING)
            writer.release()
            _require_whole(part, out, count)
            os.replace(part, unfinished)
            note_files([out])
        finally:
            pictures.close()
            part.unlink(missing_ok=True)


def _open_video(
    part: Path, out: Path, rate: float, size: tuple[int, int]
) -> cv2.VideoWriter:
    codec = dict(avi='MJPG', webm='VP80').get(out.suffix[1:].lower(), 'mp4v')
    writer = cv2.VideoWriter(str(part), cv2.VideoWriter_fourcc(*codec), rate, size)
    if not writer.isOpened():
        raise FileNotWrittenError(out, f'OpenCV cannot write such a video ({codec})')
    return writer


def _require_whole(part: Path, out: Path, count: int) -> None:
    """OpenCV does not tell of a full disk."""
    capture = cv2.VideoCapture(str(part))
    found = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    capture.release()
    if found < count:
        raise FileNotWrittenError(out, 'the disk may be full')
