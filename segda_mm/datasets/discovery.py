"""Which files are meant: one set of rules for every data set and command."""

from __future__ import annotations

import os
import os.path as osp
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cache
from glob import has_magic
from typing import NamedTuple

from mmengine.logging import print_log

from segda_mm.errors import DataError, MissingDataError
from segda_mm.outputs import without_outputs

from .formats.subsets import read_name_list

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp', '.ppm')
VIDEO_SUFFIXES = ('.avi', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.webm')

#: Pictures that are not read; a word is said about them.
_OTHER_PICTURES = ('.avif', '.gif', '.heic', '.heif', '.jfif', '.jp2', '.pgm', '.tga')
_OTHER_PICTURES += VIDEO_SUFFIXES

#: What belongs into a folder of images.
IMAGES = 'images (.png, .jpg, .bmp, .tif, .webp or .ppm)'


class Found(NamedTuple):
    """Files: sorted names with forward slashes, relative to a folder."""

    folder: str
    names: list[str]

    def paths(self) -> list[str]:
        """The folder and each name."""
        return [osp.join(self.folder, name) for name in self.names]


def has_suffix(path: str | os.PathLike, suffixes: Iterable[str]) -> bool:
    """Whether a path ends in one of the suffixes, in small letters or capitals."""
    return os.fspath(path).lower().endswith(tuple(s.lower() for s in suffixes))


def is_video(path: str | os.PathLike) -> bool:
    """Whether a path is named as a video file, and is no folder."""
    return has_suffix(path, VIDEO_SUFFIXES) and not osp.isdir(path)


def list_files(folder: str, suffixes: Sequence[str], expected: str) -> list[str]:
    """List the files below a folder, sorted, relative to it, with forward slashes.

    Suffixes may be in small letters or capitals. Hidden files and folders are
    skipped. Links are followed, but not to a folder that they lie in.

    Args:
        folder: Where to look.
        suffixes: How names may end.
        expected: What belongs there, for the message.

    Raises:
        MissingDataError: The folder does not exist or has no such file.
    """
    found = sorted(name for name in _files_below(folder) if has_suffix(name, suffixes))
    if not found:
        what = 'folder does not exist'
        if osp.isdir(folder):
            what = 'folder holds no file that ends in ' + ' or '.join(suffixes)
        raise MissingDataError(what, folder=folder, expected=expected)
    return found


def find_files(
    given: str | os.PathLike | Sequence[str | os.PathLike],
    suffixes: Sequence[str] = IMAGE_SUFFIXES,
    root: str = '',
    expected: str = IMAGES,
) -> Found:
    """Find the files that a user means, each of them once.

    A path that exists is taken as it stands, brackets included; only then it is a
    pattern, whose suffix stands for capitals as well. Of several links to one file one
    name is kept. Folders that this package wrote labels or predictions to are left
    out. How many files were found, and what was left out, is logged.

    Args:
        given: A folder, a file, a glob pattern (``**`` for any depth), a list file
            (``*.txt``, one path a line), or several of them.
        suffixes: How files in folders and of patterns may end.
        root: Folder that ``given`` is relative to; paths in a list file without it are
            relative to that file.
        expected: What is looked for, for the messages.

    Returns:
        The files; of paths, below ``root``, or the folder that they have in common.
        A path of a list is not looked up: it may not exist.

    Raises:
        DataError: There is no such list file, or it is wrong; or this package wrote
            all that was found.
        MissingDataError: There is no such file or folder, or nothing in it.
    """
    others: list[str] = []
    if isinstance(given, str | os.PathLike):
        path = osp.join(root, given)
        folder, names = _find_one(path, suffixes, root, expected)
        others = _other_pictures(folder, suffixes) if osp.isdir(path) else []
    else:
        paths = [
            path
            for one in given
            for path in _expand(osp.join(root, one), suffixes, root, expected)
        ]
        folder, names = _below_common_folder(paths, root)
    kept = _without_outputs(folder, names)
    once = _each_file_once(folder, kept)
    plural = '' if len(once) == 1 else 's'
    remarks = [f'{folder}: {len(once)} {_kind(suffixes)}{plural}']
    if len(once) < len(kept):
        remarks.append(f'{len(kept) - len(once)} further names of them')
    if len(kept) < len(names):
        remarks.append(f'{len(names) - len(kept)} labels or predictions written here')
    remarks += others
    _tell(remarks[0] + ''.join(f'; left out: {remark}' for remark in remarks[1:]))
    return Found(folder, once)


def _find_one(path: str, suffixes: Sequence[str], root: str, expected: str) -> Found:
    if osp.isdir(path):
        return Found(path, list_files(path, suffixes, expected))
    if has_magic(path) and not osp.isfile(path):
        return _of_pattern(path, suffixes, expected)
    if path.lower().endswith('.txt'):
        base = root or osp.dirname(path)
        paths = [osp.join(base, name) for name in read_name_list(path)]
        return _below_common_folder(paths, base)
    if osp.isfile(path):
        return _below_common_folder([path], root)
    if has_suffix(path, suffixes):
        raise MissingDataError('file does not exist', folder=path, expected=expected)
    raise MissingDataError('folder does not exist', folder=path, expected=expected)


def _expand(path: str, suffixes: Sequence[str], root: str, expected: str) -> list[str]:
    """The files of one of several paths; an absent one stays, for who reads it."""
    is_list = osp.isfile(path) and path.lower().endswith('.txt')
    is_pattern = has_magic(path) and not osp.exists(path)
    if is_list or is_pattern or osp.isdir(path):
        return _find_one(path, suffixes, root, expected).paths()
    return [path]


def _below_common_folder(paths: Sequence[str], root: str) -> Found:
    if not paths:
        raise MissingDataError('the list given as images= is empty', folder=root)
    paths = [osp.abspath(path) for path in paths]
    folder = osp.abspath(root)
    if not root or any(osp.commonpath([folder, path]) != folder for path in paths):
        folder = osp.commonpath([osp.dirname(path) for path in paths])
    names = {osp.relpath(path, folder).replace(os.sep, '/') for path in paths}
    return Found(folder, sorted(names))


def _of_pattern(pattern: str, suffixes: Sequence[str], expected: str) -> Found:
    folder, parts = '/' if pattern.startswith('/') else '', pattern.split('/')
    parts = [part for part in parts if part]
    while parts and _is_literal(folder, parts[0]):
        folder = osp.join(folder, parts.pop(0))
    folder = folder or '.'
    names = {name for name in _matches(folder, parts) if has_suffix(name, suffixes)}
    if not names:
        raise MissingDataError(
            f'no {_kind(suffixes)} matches {pattern!r}',
            folder=folder,
            expected=expected,
        )
    return Found(folder, sorted(names))


def _matches(folder: str, parts: Sequence[str]) -> Iterator[str]:
    """Files below a folder, relative to it, that fit the parts of a pattern."""
    if not parts or not osp.isdir(folder):
        return
    part, *rest = parts
    if part == '**':
        starts = [below for below, _ in _walk(folder)]
        rest = rest or ['*']
    elif _is_literal(folder, part):
        starts = [part]
    else:
        starts = [name for name in os.listdir(folder) if _fits(name, part)]
    for start in starts:
        path = osp.join(folder, start)
        if rest:
            yield from (_join(start, name) for name in _matches(path, rest))
        elif osp.isfile(path):
            yield start


def _is_literal(folder: str, part: str) -> bool:
    return not has_magic(part) or osp.exists(osp.join(folder, part))


def _fits(name: str, part: str) -> bool:
    """Whether a name fits a part of a pattern, with brackets as either."""
    if name.startswith('.') and not part.startswith('.'):
        return False
    stem, suffix = osp.splitext(part)
    if has_suffix(suffix, (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES)):
        name, own = osp.splitext(name)
        if own.lower() != suffix.lower():
            return False
        part = stem
    return fnmatchcase(name, part) or fnmatchcase(name, part.replace('[', '[[]'))


def _walk(folder: str) -> Iterator[tuple[str, list[str]]]:
    """Folders below a folder, the empty name first, and the names of their files."""
    waiting: list[tuple[str, tuple[str, ...]]] = [('', ())]
    while waiting:
        below, above = waiting.pop()
        path = osp.join(folder, below)
        # A link to a folder that it lies in would lead on for ever.
        real = osp.realpath(path)
        if real in above or not osp.isdir(path):
            continue
        try:
            with os.scandir(path) as entries:
                seen = sorted(
                    (entry.name, entry.is_dir())
                    for entry in entries
                    if not entry.name.startswith('.')
                )
        except OSError as error:
            what, remedy = f'cannot be read ({error.strerror})', 'Allow it, or move it'
            raise DataError(what, file=path, remedy=remedy) from error
        yield below, [name for name, is_folder in seen if not is_folder]
        waiting += [
            (_join(below, name), (*above, real))
            for name, is_folder in reversed(seen)
            if is_folder
        ]


def _files_below(folder: str) -> Iterator[str]:
    for below, names in _walk(folder):
        yield from (_join(below, name) for name in names)


def _kind(suffixes: Sequence[str]) -> str:
    return 'video' if suffixes is VIDEO_SUFFIXES else 'image'


def _join(below: str, name: str) -> str:
    return f'{below}/{name}' if below else name


def _without_outputs(folder: str, names: Sequence[str]) -> list[str]:
    """Leave out files in folders that this package wrote."""
    kept = without_outputs(folder, names)
    if not kept:
        raise DataError(
            'holds labels or predictions that this package wrote, and no images',
            file=folder,
            remedy='Name the folder of the images',
        )
    return kept


def _each_file_once(folder: str, names: Sequence[str]) -> list[str]:
    """Keep one name of each file, the one without a link where there is one."""
    by_file: dict[object, list[str]] = {}
    for name in names:
        key: object = name
        try:
            status = os.stat(osp.join(folder, name))
            # Some file systems number nothing.
            if status.st_ino:
                key = status.st_dev, status.st_ino
        except OSError:
            pass
        by_file.setdefault(key, []).append(name)
    if len(by_file) == len(names):
        return list(names)
    real = osp.realpath(folder)

    def passes_a_link(name: str) -> bool:
        path = osp.join(real, name)
        return osp.realpath(path) != path

    return sorted(
        min(same, key=lambda name: (passes_a_link(name), name)) if same[1:] else same[0]
        for same in by_file.values()
    )


def _other_pictures(folder: str, suffixes: Sequence[str]) -> list[str]:
    kinds = Counter(
        osp.splitext(name)[1].lower()
        for name in _files_below(folder)
        if not has_suffix(name, suffixes)
    )
    return [f'{kinds[kind]} {kind}' for kind in _OTHER_PICTURES if kinds[kind]]


@cache
def _tell(message: str) -> None:
    """Log a message once; a data set is built several times in a run."""
    print_log(message, logger='current')
