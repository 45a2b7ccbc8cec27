"""Result files that are either whole or absent."""

from __future__ import annotations

import json
from pathlib import Path

from segda_mm.files import atomic_file


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, and its folder where missing, in one step."""
    with atomic_file(path) as unfinished:
        unfinished.write_text(text, encoding='utf-8')


def write_json(path: str | Path, content: dict | list) -> None:
    """Write plain values as indented JSON in one step; NaN is refused."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + '\n')
