"""What lies beside the labels between the two passes over a set of images."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segda_mm.datasets.formats.label_checksums import read_json
from segda_mm.errors import DataError
from segda_mm.files import atomic_file, write_json


class WaitingPredictions:
    """Predictions that wait for thresholds, and the thresholds once they are known.

    Args:
        directory: The folder of the labels. Predictions lie in ``waiting`` below
            it, lightly packed and with a checksum; ``thresholds.json`` stays.
    """

    def __init__(self, directory: Path) -> None:
        self.folder = directory / 'waiting'
        self._thresholds = directory / 'thresholds.json'

    def file(self, image: str) -> Path:
        """Where the prediction of an image waits."""
        return self.folder / f'{image}.npy.gz'

    def write(self, image: str, values: np.ndarray, levels: Tensor) -> None:
        """Keep an image's label values and levels, both (H, W) in [0, 65535]."""
        both = np.stack([values, levels.numpy()]).astype(np.uint16)
        with (
            atomic_file(self.file(image)) as unfinished,
            gzip.open(unfinished, 'wb', compresslevel=1) as stream,
        ):
            np.save(stream, both)

    def read(self, image: str, dtype: type) -> tuple[np.ndarray, Tensor]:
        """Values in a dtype, and levels as int32, both (H, W)."""
        try:
            with gzip.open(self.file(image), 'rb') as stream:
                values, levels = np.load(io.BytesIO(stream.read()))
        except (EOFError, ValueError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(
                f'is damaged ({error})',
                file=self.file(image),
                remedy='Delete it and start the same command again, which makes it '
                'anew',
            ) from error
        return values.astype(dtype), torch.from_numpy(levels.astype(np.int32))

    def has_thresholds(self) -> bool:
        """Whether the thresholds of all images are known."""
        return self._thresholds.is_file()

    def settle(self, levels: Tensor, thresholds: Tensor) -> None:
        """Write the thresholds, of :meth:`ClassMedian.levels_and_thresholds`."""
        content = dict(levels=levels.tolist(), thresholds=thresholds.tolist())
        write_json(self._thresholds, content)

    def thresholds(self) -> dict[str, Any]:
        """``levels`` and ``thresholds``, as lists; DataError if damaged or gone."""
        remedy = (
            'The labels of all images depend on it: label into another folder, or '
            'remove this one'
        )
        content = read_json(self._thresholds, remedy)
        if content is None:
            raise DataError('is gone', file=self._thresholds, remedy=remedy)
        return content
