"""A folder of label images that is either complete or known not to be."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any

import cv2
import numpy as np

from segda_mm.datasets.formats.label_checksums import (
    IDENTITY,
    MANIFEST,
    checksum,
    read_json,
    read_manifest,
)
from segda_mm.errors import OtherLabelsError
from segda_mm.files import append_line, atomic_file, write_json, write_text

JOURNAL = 'statistics.jsonl'
_PARTS = 'statistics.part*.jsonl'


class LabelStore:
    """Write label PNGs and a manifest so that a kill leaves no half file.

    Labels are keyed by the path of their image relative to the images' root. The
    manifest is written last and names every image and the checksum of its label. A
    folder that was claimed for one network and its settings takes no other's labels.

    Args:
        directory: The folder; made when the first file is written.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)

    def path(self, relative_path: str) -> Path:
        """The label file of an image: its path below the folder, as ``.png``."""
        relative = PurePosixPath(relative_path)
        if relative.is_absolute() or '..' in relative.parts:
            raise ValueError(
                f'label path {relative_path!r} would lie outside of '
                f'{self.directory}; give the path of the image relative to '
                'the root of its data set'
            )
        return self.directory / relative.with_suffix('.png')

    def write(self, relative_path: str, labels: np.ndarray) -> str:
        """Write the labels of one image; returns the checksum of the file.

        Args:
            relative_path: Path of the image relative to the images' root.
            labels: (H, W), uint8 (train ids, 255 for void) or uint16 (instance ids of
                Cityscapes, 0 for void).

        Raises:
            FileNotWrittenError: The disk is full, or the like.
        """
        # Unlike Pillow, OpenCV lets other threads run while it compresses.
        _, png = cv2.imencode('.png', labels)
        with atomic_file(self.path(relative_path)) as unfinished:
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
            raise OtherLabelsError(
                f'{self.directory} holds labels made by '
                f'{_listed(found["origin"])}, to which those of '
                f'{_listed(origin)} must not be added:\n- '
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

        Raises:
            ValueError: Two images share a label file.
        """
        images = sorted(checksums)
        if len({self.path(image) for image in images}) < len(images):
            raise ValueError(
                f'some images share their label file in {self.directory}: '
                'their paths differ in the suffix only; rename one of them'
            )
        sums = [checksums[image] for image in images]
        content = {**content, 'images': images, 'checksums': sums}
        write_json(self.directory / MANIFEST, content)

    def manifest(self) -> dict[str, Any] | None:
        """``images``, ``checksums`` and more; None if absent, DataError if damaged."""
        return read_manifest(self.directory)

    def is_complete(self) -> bool:
        """Whether there is a manifest, and every label that it names, unchanged."""
        manifest = self.manifest()
        # One without checksums is of an earlier version of this package.
        if manifest is None or 'checksums' not in manifest:
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

    Args:
        directory: The folder of the labels.
        part: Number of this process.
    """

    def __init__(self, directory: str | Path, part: int = 0) -> None:
        self.directory = Path(directory)
        self._part = self.directory / f'statistics.part{part}.jsonl'
        self._lock = Lock()

    def add(self, image: str, checksum: str, statistics: dict[str, Any]) -> None:
        """Append the line of an image; threads may do so at the same time."""
        line = json.dumps(dict(image=image, sha256=checksum, **statistics))
        with self._lock:
            append_line(self._part, line)

    def merge(self) -> None:
        """Make one sorted file of all parts. No process may append meanwhile."""
        parts = sorted(self.directory.glob(_PARTS))
        if not parts:
            return
        lines = (
            json.dumps(dict(image=image, **entry)) + '\n'
            for image, entry in sorted(self.entries().items())
        )
        write_text(self.directory / JOURNAL, ''.join(lines))
        for part in parts:
            part.unlink()

    def entries(self) -> dict[str, dict[str, Any]]:
        """Statistics and checksum (``sha256``) of every image, but for cut lines."""
        found = {}
        for file in (self.directory / JOURNAL, *self.directory.glob(_PARTS)):
            if not file.is_file():
                continue
            with file.open('rb') as stream:
                for line in stream:
                    entry = _entry(line)
                    if entry is not None:
                        found[entry.pop('image')] = entry
        return found


def _differences(old: Any, new: Any, key: str = '') -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            yield from _differences(
                old.get(name), new.get(name), f'{key}.{name}'.lstrip('.')
            )
    elif old != new:
        yield f'{key} was {_shortened(old)} and is {_shortened(new)} now'


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f'{text[:200]}...'


def _listed(origin: Mapping[str, str]) -> str:
    return ', '.join(f'{key} {value}' for key, value in origin.items())


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        # A kill cuts a line.
        entry = json.loads(line) if line.endswith(b'\n') else None
    except ValueError:
        return None
    whole = isinstance(entry, dict) and {'image', 'sha256'} <= entry.keys()
    return entry if whole else None
