"""Files, and lines of files, that are either whole or absent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: What torch.save says, in several places, once a write of its own has failed.
_TORCH_WRITER = ('inline_container', 'PytorchStreamWriter')


class FileNotWrittenError(OSError):
    """A file could not be written; what was there before is untouched.

    Args:
        file: The file.
        reason: What the system says, as ``No space left on device``.
    """

    def __init__(self, file: str | os.PathLike, reason: str) -> None:
        self.file = os.fspath(file)
        self.reason = reason
        super().__init__(
            f'{self.file} was not written: {reason}. What stood there before, and '
            'every other file, is as it was. Make room on the disk (or see to what '
            'the reason says), and start the same command again'
        )

    def __reduce__(self) -> tuple:
        # Between processes, an OSError would travel as its message alone.
        return type(self), (self.file, self.reason)


@contextmanager
def atomic_file(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a path to write to; at the end that file takes the real name.

    A reader never sees half a file, and a killed process leaves at most one
    that ends in ``.unfinished``. Several processes may write the same name:
    the last one wins.

    Args:
        path: The file to be made or replaced; its folder is made where
            missing.

    Raises:
        FileNotWrittenError: The disk is full, or the file could not be written
            for another reason of the system.
    """
    path = Path(path)
    unfinished = path.with_name(f'.{path.name}.{os.getpid()}.unfinished')
    with named_failure(path, unfinished):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield unfinished
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)


def append_line(path: str | os.PathLike, line: str) -> None:
    """Append a line to a file; of one that cannot be written, nothing is left.

    Several processes may append to one file.

    Args:
        path: The file, made where missing.
        line: Without its end.

    Raises:
        FileNotWrittenError: The disk is full, or the file could not be written
            for another reason of the system.
    """
    content = f'{line}\n'.encode()
    with named_failure(path):
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            written = os.write(file, content)
            if written < len(content):
                end = os.lseek(file, 0, os.SEEK_CUR)
                try:
                    os.write(file, content[written:])
                except OSError:
                    os.ftruncate(file, end - written)
                    raise
        finally:
            os.close(file)


@contextmanager
def named_failure(
    file: str | os.PathLike, *temporary: str | os.PathLike
) -> Iterator[None]:
    """Turn a failed write into an error that names the file.

    The system's own error about a write names no file, and that of
    ``torch.save`` no reason.

    Args:
        file: The file that is written.
        temporary: Other files that are opened on the way to it.

    Raises:
        FileNotWrittenError: In place of errors of the system about no file, or
            about one of these; all others pass.
    """
    own = {None, *map(os.fspath, (file, os.path.dirname(file), *temporary))}
    try:
        yield
    except FileNotWrittenError:
        raise
    except OSError as error:
        # Without a number it is a message of ours, not of the system.
        if error.errno is None or error.filename not in own:
            raise
        raise FileNotWrittenError(file, error.strerror) from error
    except RuntimeError as error:
        if not any(name in str(error) for name in _TORCH_WRITER):
            raise
        reason = getattr(error.__context__, 'strerror', None) or 'the disk may be full'
        raise FileNotWrittenError(file, reason) from error
