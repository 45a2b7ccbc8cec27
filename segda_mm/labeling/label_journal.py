"""What is known of the labelled images, kept line by line while they are made."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Lock
from typing import Any

from segda_mm.atomic_file import atomic_file

JOURNAL = 'statistics.jsonl'
_PARTS = 'statistics.part*.jsonl'


class LabelJournal:
    """The statistics of each labelled image, one JSON object a line.

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

    def add(self, image: str, statistics: dict[str, Any]) -> None:
        """Append the line of an image; threads may do so at the same time."""
        line = json.dumps(dict(image=image, **statistics)) + '\n'
        with self._lock, self._part.open('a', encoding='utf-8') as stream:
            stream.write(line)

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
        """The statistics of every image, in the merged file and in the parts."""
        found = {}
        for file in (self.directory / JOURNAL, *self.directory.glob(_PARTS)):
            if not file.is_file():
                continue
            with file.open(encoding='utf-8') as stream:
                for line in stream:
                    # A kill cuts the last line.
                    if line.endswith('\n'):
                        entry = json.loads(line)
                        found[entry.pop('image')] = entry
        return found
