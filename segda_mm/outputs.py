"""What a command may write to: nothing that it reads, and nothing of others."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from segda_mm.errors import PreflightError
from segda_mm.files import append_line

#: Lies in a folder that we wrote to: names of our files there, one a line, or ``.``
#: for the whole folder. ``inference/onnx_predict.py`` has it too, for it stands alone.
WRITTEN = '.written_by_segda'

#: Lies in a folder of labels, see :class:`segda_mm.labeling.LabelStore`.
LABEL_IDENTITY = 'identity.json'

_PICTURES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp', '.ppm', '.gif')

Path_ = str | os.PathLike


def require_apart(
    out: Path_,
    folders: Iterable[Path_] = (),
    files: Iterable[Path_] = (),
    may_hold: bool = False,
) -> None:
    """See that what is written to a file or a folder meets nothing that is read.

    Links are followed, those within ``out`` too.

    Args:
        out: The file or folder to write to, which may not exist yet.
        folders: Those that are read with all that is below them.
        files: Those that are read one by one; ``out`` may not be their folder.
        may_hold: Whether they may lie in folders within ``out``.

    Raises:
        PreflightError: Naming what is read.
    """
    out = Path(out)
    places = {out.resolve()}
    if out.is_dir():
        places |= {inner.resolve() for inner in out.iterdir() if inner.is_symlink()}
    read = {Path(folder).resolve(): folder for folder in folders}
    # Thousands of files share a few folders.
    parents = {os.path.dirname(os.path.abspath(file)): file for file in files}
    for place in places:
        for folder in read.keys() & {place, *place.parents}:
            raise PreflightError(
                f'{out} would be written into {read[folder]}, which is read; name '
                'another place'
            )
        for parent, file in parents.items():
            folder = Path(parent).resolve()
            if place == folder or (not may_hold and place in folder.parents):
                raise PreflightError(
                    f'{out} holds {file}, which is read; name another place'
                )


def require_own_folder(
    out: Path_, folders: Iterable[Path_] = (), files: Iterable[Path_] = ()
) -> None:
    """See that a folder for pictures is new, or was written here before.

    Arguments and errors are those of :func:`require_apart`; and unless it was written
    here, the folder may hold no picture, at any depth.
    """
    require_apart(out, folders, files)
    out = Path(out)
    if '.' in _written(out) or not out.is_dir():
        return
    pictures = (p for p in out.rglob('*') if p.suffix.lower() in _PICTURES)
    stranger = next(pictures, None)
    if stranger is not None:
        raise PreflightError(
            f'{out} holds {stranger.relative_to(out)}, which was not written by this '
            'command and might be overwritten; name another folder'
        )


def require_own_files(outs: Sequence[Path_], read: Iterable[Path_] = ()) -> None:
    """See that files to be written are new, or were written here before.

    Args:
        outs: What is written.
        read: What is read.

    Raises:
        PreflightError: Naming the file that is there.
    """
    read = list(read)
    for out in map(Path, outs):
        for file in read:
            if out.resolve() == Path(file).resolve() or _is_same(file, out):
                raise PreflightError(
                    f'{out} would replace {file}, which is read; name another file'
                )
        if out.exists() and out.name not in _written(out.parent):
            raise PreflightError(
                f'{out} is there already and was not written by this command; name '
                'another file, or remove this one'
            )


def note_folder(folder: Path_) -> None:
    """Make a folder, and note that all in it is written here; at best before it is."""
    _note(Path(folder), '.')


def note_files(outs: Iterable[Path_]) -> None:
    """Note that files were written here."""
    for out in map(Path, outs):
        _note(out.parent, out.name)


def is_output_folder(folder: Path_) -> bool:
    """Whether all in a folder was written here: predictions, pictures or labels."""
    if '.' in _written(folder):
        return True
    try:
        identity = json.loads(Path(folder, LABEL_IDENTITY).read_text('utf-8'))
        return set(identity) == {'identity', 'origin'}
    except (OSError, ValueError, TypeError):
        return False


def without_outputs(folder: Path_, names: Iterable[str]) -> list[str]:
    """Those of the names of files below a folder that lie in no output folder."""
    own: dict[str, bool] = {'': is_output_folder(folder)}

    def is_own(parent: str) -> bool:
        if parent not in own:
            own[parent] = is_own(os.path.dirname(parent)) or is_output_folder(
                os.path.join(folder, parent)
            )
        return own[parent]

    return [name for name in names if not is_own(os.path.dirname(name))]


def _is_same(one: Path_, other: Path_) -> bool:
    """Whether both are one file by different names, as hard links are."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _written(folder: Path_) -> list[str]:
    try:
        return Path(folder, WRITTEN).read_text('utf-8').splitlines()
    except OSError:
        return []


def _note(folder: Path, name: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PreflightError(
            f'{folder} cannot be made ({error.strerror}); name another place'
        ) from error
    if name not in _written(folder):
        append_line(folder / WRITTEN, name)
