"""Opening image files of any size."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from PIL import Image

#: OpenCV decodes no more pixels either, unless this variable allows it.
LIMIT_VARIABLE, DEFAULT_LIMIT = 'OPENCV_IO_MAX_IMAGE_PIXELS', 2**30

_ORIENTATION = 0x0112
_pillow_limit = RLock()


@contextmanager
def any_size() -> Iterator[None]:
    """Let Pillow open what it takes for an attack by its size; one thread at a time."""
    with _pillow_limit:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


@contextmanager
def open_image(path: str | os.PathLike) -> Iterator[Image.Image]:
    """Open an image file with Pillow, of any size that OpenCV reads as well.

    Pixels lie as they are stored, whatever an EXIF tag says of their orientation. (The
    tag of a TIFF is part of its format: Pillow and OpenCV both carry it out.)

    Raises:
        OSError, SyntaxError: It is absent, or no image.
        ValueError: It has more pixels than OpenCV decodes.
    """
    limit = int(os.environ.get(LIMIT_VARIABLE) or DEFAULT_LIMIT)
    with any_size():
        image = Image.open(path)
    with image:
        if image.width * image.height > limit:
            raise ValueError(
                f'{image.width}x{image.height} are more than {limit} pixels; cut it '
                f'into tiles, or allow more with the environment variable '
                f'{LIMIT_VARIABLE}'
            )
        yield image


def is_shown_turned(image: Image.Image) -> bool:
    """Whether viewers turn an image, so that its pixels lie otherwise than seen."""
    tag = image.getexif().get(_ORIENTATION, 1)
    return image.format != 'TIFF' and tag in range(2, 9)
