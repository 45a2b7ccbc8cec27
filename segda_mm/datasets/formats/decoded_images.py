"""Decoded images as files, which are mapped into the memory and not decoded again."""

from __future__ import annotations

import zlib
from hashlib import sha256
from pathlib import Path

import numpy as np

from segda_mm.files import atomic_file

_CHECKSUM_BYTES = 4


class DecodedImages:
    """A folder with a file of pixels for each image that was read before.

    A file is NumPy's own format with a CRC-32 of the pixels behind it. It is whole or
    absent, so that several workers and processes may share the folder. What has
    changed since, an image or how it is decoded, has another name; old files stay
    until the folder is removed.

    Args:
        folder: Made when the first image is stored.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def file_of(self, image: str | Path, *decoder: object) -> Path:
        """Where the pixels of an image file belong, decoded in a certain way.

        Raises:
            OSError: There is no such image.
        """
        image = Path(image).absolute()
        found = image.stat()
        identity = str(image), found.st_size, found.st_mtime_ns, *decoder
        return self.folder / f'{sha256(repr(identity).encode()).hexdigest()[:40]}.npy'

    def read(self, file: Path) -> np.ndarray | None:
        """Pixels, to be changed without a trace in the file; None: none or damaged."""
        try:
            # Copied where written to.
            pixels = np.lib.format.open_memmap(file, mode='c').view(np.ndarray)
            with open(file, 'rb') as stored:
                stored.seek(-_CHECKSUM_BYTES, 2)
                checksum = stored.read()
        except (OSError, ValueError, EOFError):
            return None
        return pixels if checksum == _checksum(pixels) else None

    def write(self, file: Path, pixels: np.ndarray) -> None:
        """Store pixels, uint8 or uint16.

        Raises:
            FileNotWrittenError: The disk is full, or the like.
        """
        pixels = np.ascontiguousarray(pixels)
        with atomic_file(file) as unfinished, open(unfinished, 'wb') as stream:
            np.lib.format.write_array(stream, pixels)
            stream.write(_checksum(pixels))


def _checksum(pixels: np.ndarray) -> bytes:
    return zlib.crc32(pixels).to_bytes(_CHECKSUM_BYTES, 'little')
