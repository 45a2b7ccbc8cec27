"""Pictures to predict on, from files, videos, cameras and arrays, one at a time."""

from __future__ import annotations

import glob
import itertools
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from mmengine.logging import print_log

from segda_mm.datasets import UnlabeledImageDataset
from segda_mm.errors import DataError, MissingDataError
from segda_mm.labeling.video_frames import is_video

from .onnx_predict import read_picture

#: Frames a second where nothing says how many.
DEFAULT_RATE = 25.0


@dataclass(frozen=True)
class Picture:
    """One picture of a source.

    Attributes:
        image: (H, W, 3) uint8 in RGB, as it is stored.
        name: What files about it are called, without suffix; may hold folders.
        path: The image or the video; None of cameras and arrays.
        index: Its number, from 0.
        time: Seconds since the start of a video; None of others.
    """

    image: np.ndarray
    name: str
    path: Path | None
    index: int
    time: float | None = None


@dataclass(frozen=True)
class Source:
    """Where pictures come from.

    Attributes:
        pictures: Starts reading; files are opened when pictures are asked for.
        total: How many there are, as far as is known.
        rate: Frames a second, of a video or camera.
        place: The folder, or the file, that is read; nothing is written there.
    """

    pictures: Callable[[], Iterator[Picture]]
    total: int | None = None
    rate: float = DEFAULT_RATE
    place: Path | None = None


def open_source(source: object) -> Source:
    """Find out what a source is.

    Args:
        source: A file, folder, glob pattern or ``.txt`` list of images, a video, a
            list of image files, the number of a camera, or one array (H, W, 3) uint8
            in RGB or an iterable of such.

    Returns:
        The source.

    Raises:
        DataError: A video cannot be decoded, two images share a name, or this is
            no source.
        MissingDataError: There is no such file, folder or camera, or no image in it.
    """
    if isinstance(source, np.ndarray):
        return _of_arrays([source] if source.ndim == 3 else source)
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        if path.isdecimal() and not os.path.exists(path):
            return _of_camera(int(path))
        if is_video(path) and (os.path.isfile(path) or not _stands_for_many(path)):
            return _of_video(Path(path))
        return _of_images(path)
    if isinstance(source, int):
        return _of_camera(source)
    if isinstance(source, list | tuple) and any(
        isinstance(entry, str | os.PathLike) for entry in source
    ):
        paths = [os.fspath(path) for path in source]
        if len(paths) == 1:
            return open_source(paths[0])
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
        for index, info in enumerate(infos):
            name = PurePosixPath(info['relative_path']).with_suffix('')
            try:
                image = read_picture(info['img_path'])
            except ValueError as error:
                raise DataError(str(error)) from error
            yield Picture(image, str(name), Path(info['img_path']), index)

    place = None if isinstance(images, list) else _root(infos[0])
    return Source(pictures, len(infos), place=place)


def _stands_for_many(path: str) -> bool:
    return os.path.isdir(path) or glob.has_magic(path)


def _root(info: dict) -> Path:
    return Path(info['img_path'].removesuffix(info['relative_path']) or '.')


def _of_video(video: Path) -> Source:
    if not video.is_file():
        raise MissingDataError(f'there is no video {video}')
    capture = _capture(str(video))
    first, _ = capture.read()
    # What the container says; it may be wrong.
    rate, total = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
    capture.release()
    if not first:
        raise DataError(
            'has no frame that OpenCV can decode',
            file=video,
            remedy='Convert it, as with `ffmpeg -i VIDEO -c:v mjpeg -q:v 2 OUT.avi`',
        )
    rate = rate if 0 < rate < 1000 else DEFAULT_RATE

    def pictures() -> Iterator[Picture]:
        index = -1
        for index, image in enumerate(_frames(str(video))):
            name = f'{video.stem}/{index:06}'
            yield Picture(image, name, video, index, index / rate)
        if index + 1 < total:
            print_log(
                f'{video}: {index + 1} of {total:.0f} frames could be decoded; its '
                'end is missing or damaged',
                logger='current',
                level=logging.WARNING,
            )

    return Source(pictures, int(total) if total > 0 else None, rate, video)


def _of_camera(number: int) -> Source:
    capture = _capture(number)
    there, rate = capture.isOpened(), capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    if not there:
        raise MissingDataError(f'there is no file {number} and no camera {number}')

    def pictures() -> Iterator[Picture]:
        for index, image in enumerate(_frames(number)):
            yield Picture(image, f'camera{number}/{index:06}', None, index)

    return Source(pictures, rate=rate if 0 < rate < 1000 else DEFAULT_RATE)


def _capture(source: str | int) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(source)
    # A phone held upright stores its video lying, and says so.
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    return capture


def _frames(source: str | int) -> Iterator[np.ndarray]:
    capture = _capture(source)
    try:
        while True:
            decoded, frame = capture.read()
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
