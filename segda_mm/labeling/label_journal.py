"""What is known of the labelled images, kept line by line while they are made."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Lock
from typing import Any

from segda_mm.files import append_line, atomic_file

JOURNAL = 'statistics.jsonl'
_PARTS = 'statistics.part*.jsonl'


class LabelJournal:
    """Checksum and statistics of each labelled image, one JSON object a line.

    Each process appends to a part of its own; the main process merges them
    between labellings. A line is written after the label it is about, so that a
    label without a line is one that a kill left and is made again.

    Args:
        directory: The folder of the labels.
        part: Number of this process.
    """

    def __init__(self, directory: str | Path, part: int = 0) -> None:
        self.directory = Path(directory)
        self._part = self.directory / f'statistics.part{part}.jsonl'
        self._lock = Lock()

    def add(self, image: str, checksum: str, statistics: dict[str, Any]) -> None:
        """Append the line of an image; threads may do so at the same time.

        Args:
            image: Path of the image relative to the images' root.
            checksum: Of its label file.
            statistics: Values that JSON knows.

        Raises:
            FileNotWrittenError: The disk is full, or the like.
        """
        line = json.dumps(dict(image=image, sha256=checksum, **statistics))
        with self._lock:
            append_line(self._part, line)

    def merge(self) -> None:
        """Make one sorted file of all parts. No process may append meanwhile."""
        parts = sorted(self.directory.glob(_PARTS))
        if not parts:
            return
        lines = self.entries()
        with (
            atomic_file(self.directory / JOURNAL) as unfinished,
            unfinished.open('w', encoding='utf-8') as stream,
        ):
            for image in sorted(lines):
                entry = dict(image=image, **lines[image])
                stream.write(json.dumps(entry) + '\n')
        for part in parts:
            part.unlink()

    def entries(self) -> dict[str, dict[str, Any]]:
        """What is known of every image, in the merged file and in the parts.

        Returns:
            The statistics, and the checksum as ``sha256``, by image. A line that
            is not whole is left out.
        """
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


def _entry(line: bytes) -> dict[str, Any] | None:
    # A kill cuts a line.
    if not line.endswith(b'\n'):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(entry, dict) and {'image', 'sha256'} <= entry.keys()
    return entry if whole else None
