"""Choosing part of a data set: by seed, or by a list file."""

from __future__ import annotations

import os
import warnings
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from segda_mm.errors import DataError


def seeded_subset(names: Iterable[str], size: int, seed: int) -> list[str]:
    """Draw ``size`` names by seed, sorted; with one seed smaller subsets are nested."""
    names = sorted(names)
    if not 1 <= size <= len(names):
        raise ValueError(
            f'a subset of {size} was asked for, but there are {len(names)} images'
        )
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    return sorted(names[i] for i in generator.permutation(len(names))[:size])


def read_name_list(path: str | os.PathLike) -> list[str]:
    """Read a list file: one name a line.

    Empty lines and comments, which begin with "# ", are skipped; "#1.jpg" is a name.
    A byte-order mark, of UTF-8 or UTF-16, is no part of the first name.
    """
    try:
        content = Path(path).read_bytes()
        marked = content.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
        text = content.decode('utf-16' if marked else 'utf-8-sig')
    except FileNotFoundError:
        raise DataError(
            'list file does not exist',
            file=path,
            remedy='subset=dict(size=..., seed=...) needs none, and '
            '`segda check --write-exclude` writes exclusion lists',
        ) from None
    except UnicodeDecodeError as error:
        what = f'is no text in UTF-8 ({error.reason} at byte {error.start})'
        raise DataError(what, file=path, remedy='One name a line') from error
    lines = [line.strip() for line in text.splitlines()]
    names = [line for line in lines if line and not f'{line} '.startswith('# ')]
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        what = f'names {twice[:5]} more than once'
        raise DataError(what, file=path, remedy='Keep one line of each')
    return names


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
    """Draw ``dict(fraction=..., seed=...)`` of names, rounded, at least one."""
    if share is None:
        return list(names)
    if set(share) != {'fraction', 'seed'} or not 0 < share['fraction'] <= 1:
        raise ValueError(
            'share= must be dict(fraction=..., seed=...) with a fraction above 0 '
            f'and up to 1, but got {dict(share)}'
        )
    size = max(1, int(share['fraction'] * len(names) + 0.5))
    return seeded_subset(names, size, share['seed'])
