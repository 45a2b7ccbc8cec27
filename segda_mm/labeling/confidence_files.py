"""Predictions that wait on the disk for the thresholds of the whole data set."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from segda_mm.errors import DataError
from segda_mm.files import atomic_file


def write_confidences(path: Path, labels: Tensor, levels: Tensor) -> None:
    """Keep the labels of an image and their confidences in a lightly packed file.

    Args:
        path: Where to; the file is whole or absent.
        labels: Shape (H, W), integers in [0, 65535].
        levels: Shape (H, W), see
            :func:`segda_mm.ops.pseudo_labels.quantize_confidence`.
    """
    both = np.stack([labels.numpy(), levels.numpy()]).astype(np.uint16)
    with (
        atomic_file(path) as unfinished,
        gzip.open(unfinished, 'wb', compresslevel=1) as stream,
    ):
        np.save(stream, both)


def read_confidences(path: Path) -> tuple[Tensor, Tensor]:
    """Read labels and levels, both (H, W) int32.

    Raises:
        DataError: The file is damaged; it carries its checksum.
    """
    try:
        with gzip.open(path, 'rb') as stream:
            content = stream.read()
        both = np.load(io.BytesIO(content))
    except (EOFError, ValueError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f'is damaged ({error})',
            file=path,
            remedy='Delete it and start the same command again, which makes it anew',
        ) from error
    labels, levels = torch.from_numpy(both.astype(np.int32))
    return labels, levels
