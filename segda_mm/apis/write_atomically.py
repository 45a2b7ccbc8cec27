"""Result files that are either whole or absent."""

from __future__ import annotations

import json
import os
from pathlib import Path


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, and its folder where missing, in one step.

    A reader never sees half a file: the text goes to a neighbour of the file
    first, which then takes its name.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'.{path.name}.{os.getpid()}.partial')
    partial.write_text(text, encoding='utf-8')
    os.replace(partial, path)


def write_json(path: str | Path, content: dict | list) -> None:
    """Write plain values as indented JSON in one step; NaN is refused."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + '\n')
