"""Choosing part of a data set: by seed, or by a list file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from segda_mm.errors import DataError
from segda_mm.files import atomic_file


def seeded_subset(names: Iterable[str], size: int, seed: int) -> list[str]:
    """Draw ``size`` names without replacement, by seed; return them sorted.

    The choice depends on the names and the seed alone, and with one seed a
    smaller subset is part of a larger one.

    Raises:
        ValueError: There are fewer names than ``size``, or ``size`` is < 1.
    """
    names = sorted(names)
    if not 1 <= size <= len(names):
        raise ValueError(
            f'a subset of {size} was asked for, but there are {len(names)} images'
        )
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    chosen = generator.permutation(len(names))[:size]
    return [names[i] for i in sorted(chosen)]


def read_name_list(path: str | os.PathLike) -> list[str]:
    """Read a list file: one name a line; empty lines and # comments skipped.

    Raises:
        DataError: The file does not exist, is no text, or gives a name twice.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(
            'list file does not exist',
            file=path,
            remedy='subset=dict(size=..., seed=...) needs none, and '
            'tools/check_data.py --write-exclude writes exclusion lists',
        )
    try:
        lines = [line.strip() for line in path.read_text('utf-8').splitlines()]
    except UnicodeDecodeError as error:
        raise DataError(
            f'is no text in UTF-8 ({error.reason} at byte {error.start})',
            file=path,
            remedy='Save it as UTF-8, one name a line',
        ) from error
    names = [line for line in lines if line and not line.startswith('#')]
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DataError(
            f'names {twice[:5]} more than once',
            file=path,
            remedy='Keep one line of each',
        )
    return names


def write_name_list(
    path: str | os.PathLike, names: Sequence[str], comment: str
) -> None:
    """Write a list file atomically, with ``comment`` as its first line."""
    with atomic_file(path) as unfinished:
        lines = [f'# {comment}', *names]
        unfinished.write_text('\n'.join(lines) + '\n', encoding='utf-8')


def choose(
    names: Sequence[str],
    subset: str | os.PathLike | Mapping[str, int] | None,
    folder: str | os.PathLike,
) -> list[str]:
    """Apply the ``subset=`` setting of a data set to its sorted names.

    Args:
        names: All names, relative to the image folder.
        subset: None for all, the path of a list file, or ``dict(size=...,
            seed=...)``; if there are fewer names than ``size``, all are taken with
            a warning, so that a config can be tried on part of its data.
        folder: The image folder, for messages.

    Raises:
        DataError: The list names an absent image.
    """
    if subset is None:
        return list(names)
    if isinstance(subset, Mapping):
        if set(subset) != {'size', 'seed'}:
            raise ValueError(
                'subset= must be a list file or dict(size=..., '
                f'seed=...), but got {dict(subset)}'
            )
        size = subset['size']
        if size > len(names):
            warnings.warn(
                f'{folder} holds {len(names)} images, fewer than the subset of '
                f'{size} that the config asks for: all of them are used, and '
                'results will not compare with those on the whole subset',
                stacklevel=2,
            )
            return list(names)
        return seeded_subset(names, size, subset['seed'])
    listed = read_name_list(subset)
    absent = sorted(set(listed) - set(names))
    if absent:
        raise DataError(
            f'names {len(absent)} images that are not in {folder}, first {absent[0]!r}',
            file=subset,
            remedy='Take these names out of the list',
        )
    return sorted(listed)


def draw_share(names: Sequence[str], share: Mapping | None) -> list[str]:
    """Apply the ``share=`` setting of a data set to its sorted names.

    Args:
        names: What is left of the names after every other choice.
        share: None for all, or ``dict(fraction=..., seed=...)`` with a fraction in
            (0, 1]; the number is rounded, and at least 1.

    Raises:
        ValueError: ``share`` is neither.
    """
    if share is None:
        return list(names)
    if set(share) != {'fraction', 'seed'} or not 0 < share['fraction'] <= 1:
        raise ValueError(
            'share= must be dict(fraction=..., seed=...) with a fraction above 0 '
            f'and up to 1, but got {dict(share)}'
        )
    size = max(1, int(share['fraction'] * len(names) + 0.5))
    return seeded_subset(names, size, share['seed'])
