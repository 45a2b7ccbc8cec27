"""Pictures to predict on, from files, videos, cameras and arrays, one at a time."""

from __future__ import annotations

import glob
import itertools
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from mmengine.logging import print_log

from segda_mm.datasets import UnlabeledImageDataset
from segda_mm.datasets.discovery import VIDEO_SUFFIXES, find_files, is_video
from segda_mm.datasets.formats.videos import (
    MAX_LOST_FRAMES,
    announced_frames,
    grab_all,
    open_video,
    require_most_frames,
)
from segda_mm.datasets.places import places_read
from segda_mm.errors import DataError, MissingDataError

from .onnx_predict import orientation_of, read_picture

#: Frames a second where nothing says how many.
DEFAULT_RATE = 25.0


@dataclass(frozen=True)
class Picture:
    """One picture of a source.

    Attributes:
        image: (H, W, 3) uint8 in RGB, as it is stored; frames of a video are upright.
        name: What files about it are called, without suffix; may hold folders.
        path: The image or the video; None of cameras and arrays.
        index: Its number, from 0.
        time: Seconds since the start of a video; None of others.
        orientation: How viewers turn an image file, by EXIF's number; 1: not at all.
    """

    image: np.ndarray
    name: str
    path: Path | None
    index: int
    time: float | None = None
    orientation: int = 1


@dataclass(frozen=True)
class Source:
    """Where pictures come from.

    Attributes:
        pictures: Starts reading; files are opened when pictures are asked for.
        total: How many there are, as far as is known.
        rate: Frames a second, of a video or camera.
        folders: What is read with all that is below; nothing is written there.
        files: The files that are read.
        is_video: Whether they are one video.
    """

    pictures: Callable[[], Iterator[Picture]]
    total: int | None = None
    rate: float = DEFAULT_RATE
    folders: Sequence[str] = ()
    files: Sequence[str] = ()
    is_video: bool = False


def open_source(source: object, max_lost: float = MAX_LOST_FRAMES) -> Source:
    """Find out what a source is.

    Args:
        source: A file, folder, glob pattern or ``.txt`` list of images, a video, a
            list of image files, the number of a camera, or one array (H, W, 3) uint8
            in RGB or an iterable of such.
        max_lost: Share of a video's frames that may be damaged, in [0, 1].

    Returns:
        The source.

    Raises:
        DataError: A video cannot be decoded, two images share a name, or this is
            no source; and at the end of a video that is too damaged.
        MissingDataError: There is no such file, folder or camera, or no image in it.
    """
    if isinstance(source, np.ndarray):
        return _of_arrays([source] if source.ndim == 3 else source)
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        if path.isdecimal() and not os.path.exists(path):
            return _of_camera(int(path))
        if not is_video(path):
            return _of_images(path)
        if os.path.isfile(path) or not glob.has_magic(path):
            return _of_video(Path(path), max_lost)
        found = find_files(path, VIDEO_SUFFIXES, expected='a video').paths()
        return open_source(found, max_lost)
    if isinstance(source, int):
        return _of_camera(source)
    if isinstance(source, list | tuple) and any(
        isinstance(entry, str | os.PathLike) for entry in source
    ):
        paths = [os.fspath(path) for path in source]
        if len(paths) == 1:
            return open_source(paths[0], max_lost)
        video = next(filter(is_video, paths), None)
        if video is not None:
            raise DataError(
                f'is a video among {len(paths)} sources',
                file=video,
                remedy='Predict each video in a call of its own',
            )
        return _of_images(paths)
    if isinstance(source, Iterable):
        return _of_arrays(source)
    raise DataError(
        f'{source!r} is no source: give a file, folder, pattern, list, camera number '
        'or arrays'
    )


def _of_images(images: str | list[str]) -> Source:
    if isinstance(images, str) and not images.lower().endswith('.txt'):
        if os.path.isfile(images):
            images = [images]
        elif not _stands_for_many(images):
            raise MissingDataError(f'there is no image, video or folder {images}')
    dataset = UnlabeledImageDataset(images, pipeline=[])
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]

    def pictures() -> Iterator[Picture]:
        told = False
        for index, info in enumerate(infos):
            path = Path(info['img_path'])
            name = PurePosixPath(info['relative_path']).with_suffix('')
            try:
                image = read_picture(path)
            except ValueError as error:
                raise DataError(str(error)) from error
            orientation = orientation_of(path.read_bytes())
            if orientation != 1 and not told:
                told = True
                _tell_turned(path)
            yield Picture(image, str(name), path, index, orientation=orientation)

    folders, files = places_read(dataset)
    return Source(pictures, len(infos), folders=folders, files=files)


def _tell_turned(file: Path) -> None:
    print_log(
        f'{file} is stored turned, as its EXIF orientation says: the network sees it, '
        'and its labels lie, as it is stored; overlays are upright. If the network '
        'shall see photos upright, turn the files, as with `mogrify -auto-orient`',
        logger='current',
        level=logging.WARNING,
    )


def _stands_for_many(path: str) -> bool:
    return os.path.isdir(path) or glob.has_magic(path)


def _of_video(video: Path, max_lost: float) -> Source:
    if not video.is_file():
        raise MissingDataError(f'there is no video {video}')
    capture = open_video(video)
    first = capture.grab()
    rate, total = capture.get(cv2.CAP_PROP_FPS), announced_frames(capture)
    capture.release()
    require_most_frames(video, int(first), 0, max_lost)
    rate = rate if 0 < rate < 1000 else DEFAULT_RATE

    def pictures() -> Iterator[Picture]:
        index = -1
        for index, image in enumerate(_frames(video)):
            name = f'{video.stem}/{index:06}'
            yield Picture(image, name, video, index, index / rate)
        require_most_frames(video, index + 1, total, max_lost)

    files = [str(video)]
    return Source(pictures, total or None, rate, files=files, is_video=True)


def _of_camera(number: int) -> Source:
    capture = open_video(number)
    there, rate = capture.isOpened(), capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    if not there:
        raise MissingDataError(f'there is no file {number} and no camera {number}')

    def pictures() -> Iterator[Picture]:
        for index, image in enumerate(_frames(number)):
            yield Picture(image, f'camera{number}/{index:06}', None, index)

    return Source(pictures, rate=rate if 0 < rate < 1000 else DEFAULT_RATE)


def _frames(source: Path | int) -> Iterator[np.ndarray]:
    capture = open_video(source)
    try:
        for _ in grab_all(capture):
            decoded, frame = capture.retrieve()
            if not decoded:
                return
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    finally:
        capture.release()


def _of_arrays(arrays: Iterable) -> Source:
    def pictures() -> Iterator[Picture]:
        for index, image in zip(itertools.count(), arrays):
            shape = getattr(image, 'shape', ())
            if len(shape) != 3 or shape[2] != 3 or image.dtype != np.uint8:
                raise DataError(
                    f'picture {index} is a {type(image).__name__} of shape {shape} and '
                    f'type {getattr(image, "dtype", None)}, but must be an array '
                    '(H, W, 3) uint8 in RGB'
                )
            yield Picture(image, f'{index:06}', None, index)

    return Source(pictures, len(arrays) if hasattr(arrays, '__len__') else None)
