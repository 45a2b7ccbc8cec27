"""A folder of label images that is either complete or known not to be."""

import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from segda_mm.datasets.formats.label_checksums import (
    IDENTITY,
    MANIFEST,
    checksum,
    read_json,
    read_manifest,
)
from segda_mm.errors import DataError, OtherLabelsError
from segda_mm.files import append_line, atomic_file, write_json, write_text

JOURNAL = 'statistics.jsonl'
_PARTS = 'statistics.part*.jsonl'


class LabelStore:
    """Write label PNGs and a manifest so that a kill leaves no half file.

    Labels are keyed by the path of their image relative to the images' root. The
    manifest is written last and names every image and the checksum of its label. A
    folder that was claimed for one network and its settings takes no other's labels.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)

    def path(self, image: str) -> Path:
        """The label file of an image: its path below the folder, as ``.png``."""
        relative = PurePosixPath(image)
        if relative.is_absolute() or '..' in relative.parts:
            raise ValueError(f'label of {image!r} would lie outside {self.directory}')
        return self.directory / relative.with_suffix('.png')

    def write(self, image: str, labels: np.ndarray) -> str:
        """Write the labels of one image, (H, W) of uint8 or uint16; their checksum."""
        # Unlike Pillow, OpenCV lets other threads run while it compresses.
        _, png = cv2.imencode('.png', labels)
        with atomic_file(self.path(image)) as unfinished:
            unfinished.write_bytes(png)
        return checksum(png)

    def claim(self, identity: Mapping[str, Any], origin: Mapping[str, str]) -> None:
        """Take the folder for the labels of one network with its settings.

        Args:
            identity: What all labels must have in common, in types of JSON.
            origin: Files that the network comes from, for messages and manifest.

        Raises:
            DataError: The file that says so is damaged.
            OtherLabelsError: The folder holds labels of another or unknown identity.
        """
        identity = json.loads(json.dumps(identity))
        found = self.claimed()
        if found is None:
            stranger = next(self.directory.rglob('*.png'), None)
            if stranger is not None:
                raise OtherLabelsError(
                    f'{self.directory} holds {stranger.relative_to(self.directory)} '
                    f'and no {IDENTITY}, so that it is unknown which network made '
                    'it; label into another folder, or remove this one'
                )
            content = dict(identity=identity, origin=origin)
            write_text(self.directory / IDENTITY, json.dumps(content, indent=1))
            return
        differences = list(_differences(found['identity'], identity))
        if differences:
            old, new = (
                ', '.join(f'{key} {value}' for key, value in source.items())
                for source in (found['origin'], origin)
            )
            raise OtherLabelsError(
                f'{self.directory} holds labels made by {old}, to which those of '
                f'{new} must not be added:\n- '
                + '\n- '.join(differences)
                + '\nLabel into another folder, or remove this one'
            )

    def claimed(self) -> dict[str, Any] | None:
        """``identity`` and ``origin`` of the labels; None if not claimed."""
        return read_json(
            self.directory / IDENTITY,
            'Which network made the labels is not known any more: label into '
            'another folder, or remove this one',
        )

    def begin(self) -> None:
        """Declare the folder incomplete before its labels are made anew."""
        (self.directory / MANIFEST).unlink(missing_ok=True)

    def finish(self, checksums: Mapping[str, str], content: dict[str, Any]) -> None:
        """Write the manifest, which makes the folder complete.

        Args:
            checksums: What :meth:`write` returned, by the paths of all images.
            content: What else to tell, in types of JSON.
        """
        images = sorted(checksums)
        if len({self.path(image) for image in images}) < len(images):
            raise ValueError(
                f'some images share their label file in {self.directory}: '
                'their paths differ in the suffix only; rename one of them'
            )
        sums = [checksums[image] for image in images]
        write_json(
            self.directory / MANIFEST, {**content, 'images': images, 'checksums': sums}
        )

    def manifest(self) -> dict[str, Any] | None:
        """``images``, ``checksums`` and more; None if absent, DataError if damaged."""
        return read_manifest(self.directory)

    def is_complete(self) -> bool:
        """Whether there is a manifest, and every label that it names, unchanged."""
        manifest = self.manifest()
        if manifest is None:
            return False
        written = dict(zip(manifest['images'], manifest['checksums']))
        return not self.missing(written) and not self.changed(written)

    def missing(self, images: Iterable[str]) -> list[str]:
        """Those of the images that have no label file, in their order."""
        # One walk instead of one query a file: stores hold up to 100,000.
        present = set(self.directory.rglob('*.png'))
        return [image for image in images if self.path(image) not in present]

    def changed(self, checksums: Mapping[str, str]) -> list[str]:
        """Those of the images whose label file is there, but not the one written."""
        return [
            image
            for image, written in checksums.items()
            if checksum(self.path(image).read_bytes()) != written
        ]


class LabelJournal:
    """Checksum and statistics of each labelled image, one JSON object a line.

    Each process appends to a part of its own, after the label that a line is about;
    the main process merges the parts between labellings.
    """

    def __init__(self, directory: Path, part: int) -> None:
        self.directory = directory
        self._part = directory / f'statistics.part{part}.jsonl'
        self._lock = Lock()

    def add(self, image: str, checksum: str, statistics: dict[str, Any]) -> None:
        """Append the line of an image; threads may do so at the same time."""
        line = json.dumps(dict(image=image, sha256=checksum, **statistics))
        with self._lock:
            append_line(self._part, line)

    def merge(self) -> None:
        """Make one sorted file of all parts. No process may append meanwhile."""
        lines = (
            json.dumps(dict(image=image, **entry)) + '\n'
            for image, entry in sorted(self.entries().items())
        )
        parts = list(self.directory.glob(_PARTS))
        if parts:
            write_text(self.directory / JOURNAL, ''.join(lines))
        for part in parts:
            part.unlink()

    def entries(self) -> dict[str, dict[str, Any]]:
        """Statistics and checksum (``sha256``) of every image, but for cut lines."""
        found = {}
        # Of the parts, which are newer, after the whole.
        for file in sorted(self.directory.glob('statistics*.jsonl')):
            for line in file.read_bytes().splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:
                    # A kill cuts a line.
                    continue
                found[entry.pop('image')] = entry
        return found


class WaitingPredictions:
    """Predictions that wait for thresholds, and the thresholds once they are known.

    Predictions lie in ``waiting`` below the folder of the labels, lightly packed and
    with a checksum; ``thresholds.json`` stays.
    """

    def __init__(self, directory: Path) -> None:
        self.folder = directory / 'waiting'
        self.thresholds_file = directory / 'thresholds.json'

    def file(self, image: str) -> Path:
        """Where the prediction of an image waits."""
        return self.folder / f'{image}.npy.gz'

    def write(
        self, image: str, values: np.ndarray, levels: Tensor, confidence: float
    ) -> None:
        """Keep label values and levels, both (H, W) in [0, 65535], and a mean."""
        both = np.stack([values, levels.numpy()]).astype(np.uint16)
        with (
            atomic_file(self.file(image)) as unfinished,
            gzip.open(unfinished, 'wb', compresslevel=1) as stream,
        ):
            np.save(stream, both)
            np.save(stream, np.float64(confidence))

    def read(self, image: str, dtype: type) -> tuple[np.ndarray, Tensor, float]:
        """Values in a dtype and levels as int32, both (H, W), and the mean."""
        try:
            with gzip.open(self.file(image), 'rb') as stream:
                content = io.BytesIO(stream.read())
                values, levels = np.load(content)
                confidence = float(np.load(content))
        except (EOFError, ValueError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(
                f'is damaged ({error})',
                file=self.file(image),
                remedy='Delete it, and start the same command again',
            ) from error
        levels = torch.from_numpy(levels.astype(np.int32))
        return values.astype(dtype), levels, confidence

    def settle(self, levels: Tensor, thresholds: Tensor) -> None:
        """Write the thresholds, of :meth:`ClassMedian.levels_and_thresholds`."""
        content = dict(levels=levels.tolist(), thresholds=thresholds.tolist())
        write_json(self.thresholds_file, content)

    def thresholds(self) -> dict[str, Any]:
        """``levels`` and ``thresholds``, as lists; DataError if damaged or gone."""
        remedy = 'All labels depend on it: label into another folder, or remove this'
        content = read_json(self.thresholds_file, remedy)
        if content is None:
            raise DataError('is gone', file=self.thresholds_file, remedy=remedy)
        return content


def _differences(old: Any, new: Any, key: str = '') -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            yield from _differences(
                old.get(name), new.get(name), f'{key}.{name}'.lstrip('.')
            )
    elif old != new:
        was, now = (
            text if len(text) <= 200 else f'{text[:200]}...'
            for text in map(repr, (old, new))
        )
        yield f'{key} was {was} and is {now} now'
