"""Whether label files still are what a labeler has written.

A folder of labels has a ``manifest.json``, written last, with its ``images`` and,
in the same order, the ``checksums`` of their label files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from segda_mm.errors import DataError
from segda_mm.outputs import LABEL_IDENTITY

from .subsets import read_name_list

#: Names every label; written last, so that a folder with it is complete.
MANIFEST = 'manifest.json'

#: Says by which network labels are made; written first.
IDENTITY = LABEL_IDENTITY


#: Images whose labels a person has turned down, one a line.
REJECTED = 'rejected.txt'


def rejected_images(folder: str | os.PathLike) -> frozenset[str]:
    """Names of the images that `segda review` rejected in a folder of labels."""
    try:
        modified = os.stat(os.path.join(folder, REJECTED)).st_mtime_ns
    except FileNotFoundError:
        return frozenset()
    return _rejected(os.fspath(folder), modified)


@lru_cache(maxsize=4)
def _rejected(folder: str, modified: int) -> frozenset[str]:
    return frozenset(read_name_list(os.path.join(folder, REJECTED)))


def checksum(content: bytes) -> str:
    """The SHA-256 of a file's content, in hexadecimal digits."""
    return sha256(content).hexdigest()


def read_json(path: str | os.PathLike, remedy: str) -> dict[str, Any] | None:
    """Read a JSON object; None if there is no file, DataError if it is damaged."""
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
        if not isinstance(content, dict):
            raise ValueError('no object')
    except FileNotFoundError:
        return None
    except ValueError as error:
        what = f'is damaged: no JSON ({error})'
        raise DataError(what, file=path, remedy=remedy) from error
    return content


def read_manifest(folder: str | os.PathLike) -> dict[str, Any] | None:
    """Read the manifest of a folder of labels; None if there is none."""
    return read_json(
        Path(folder, MANIFEST),
        'Delete it and start what made the labels again: labels that are whole '
        'are kept',
    )


def label_checksums(folder: str | os.PathLike) -> Mapping[str, str]:
    """The checksums of a folder's label files by the names of their images, if any."""
    try:
        modified = os.stat(os.path.join(folder, MANIFEST)).st_mtime_ns
    except FileNotFoundError:
        return {}
    return _checksums(os.fspath(folder), modified)


@lru_cache(maxsize=4)
def _checksums(folder: str, modified: int) -> dict[str, str]:
    manifest = read_manifest(folder) or {}
    return dict(zip(manifest.get('images', ()), manifest.get('checksums', ())))


def require_unchanged(
    file: str | os.PathLike, expected: str | None, remedy: str
) -> None:
    """Raise DataError if a label file is there, but with another checksum."""
    if expected is None or not os.path.isfile(file):
        return
    if checksum(Path(file).read_bytes()) != expected:
        raise DataError(
            'was changed or damaged since it was made: its checksum is not that '
            f'in {MANIFEST}',
            file=file,
            remedy=remedy,
        )


def require_unchanged_label(info: Mapping[str, Any]) -> None:
    """See that the label of a data info has its ``label_checksum``, if it has one."""
    require_unchanged(
        info['seg_map_path'],
        info.get('label_checksum'),
        'Delete it and start segda label as before: it makes this label again '
        'and leaves the others',
    )
