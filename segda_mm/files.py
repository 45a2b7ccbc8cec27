"""Files that are whole or absent, and folders that one run at a time writes to."""

from __future__ import annotations

import json
import os
import socket
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import filelock

from segda_mm.errors import FileNotWrittenError, FolderInUseError

try:
    import fcntl
except ImportError:  # as on Windows
    fcntl = None  # type: ignore[assignment]

#: What torch.save says, in several places, once a write of its own has failed.
_TORCH_WRITER = ('inline_container', 'PytorchStreamWriter')


@contextmanager
def atomic_file(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a path to write to; at the end that file takes the real name.

    A killed process leaves at most a file that ends in ``.unfinished``. The last one
    of several writers wins. A missing folder is made.

    Raises:
        FileNotWrittenError: The system does not let it be written.
    """
    path = Path(path)
    unfinished = path.with_name(f'.{path.name}.{os.getpid()}.unfinished')
    with _named_failure(path, unfinished):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield unfinished
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write a text file in UTF-8 in one step; see :func:`atomic_file`."""
    with atomic_file(path) as unfinished:
        unfinished.write_text(text, encoding='utf-8')


def write_json(path: str | os.PathLike, content: Mapping | Sequence) -> None:
    """Write plain, finite values as indented JSON; see :func:`atomic_file`."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + '\n')


def append_line(path: str | os.PathLike, line: str) -> None:
    """Append a line, as several processes may at once.

    Raises:
        FileNotWrittenError: No part of the line is left.
    """
    content = f'{line}\n'.encode()
    with _named_failure(path):
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
def _named_failure(
    file: str | os.PathLike, *temporary: str | os.PathLike
) -> Iterator[None]:
    """Turn a failed write of a file, or of one on the way to it, into a sentence."""
    own = {None, *(os.fspath(f) for f in (file, os.path.dirname(file), *temporary))}
    try:
        yield
    except FileNotWrittenError:
        raise
    except OSError as error:
        # Without a number it is a message of ours, not of the system.
        if error.errno is None or error.filename not in own:
            raise
        raise FileNotWrittenError(file, error.strerror or str(error)) from error
    except RuntimeError as error:
        if not any(name in str(error) for name in _TORCH_WRITER):
            raise
        reason = getattr(error.__context__, 'strerror', None) or 'the disk may be full'
        raise FileNotWrittenError(file, reason) from error


LOCK_FILE = '.in_use'


class RunFolderLock:
    """Keeps other processes out of a folder until released, or until death.

    The kernel locks the file ``.in_use``, which tells who holds it. Forked processes
    do not inherit the lock: data loader workers outlive their parent by seconds, and
    would keep a resumed run out. Where the system has no such locks, as Windows,
    filelock's serves, which on Linux they would inherit.

    Args:
        folder: Made where missing, when the lock is taken.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._file: int | None = None
        self._portable = filelock.FileLock(self.folder / f'{LOCK_FILE}.lock')

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            FolderInUseError: Another process, which is named, has it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / LOCK_FILE
        since = time.strftime('%Y-%m-%d %H:%M:%S')
        who = dict(pid=os.getpid(), host=socket.gethostname(), since=since)
        if fcntl is None:
            try:
                self._portable.acquire(blocking=False)
            except filelock.Timeout:
                holder = path.read_bytes() if path.is_file() else b''
                raise FolderInUseError(self._message(holder)) from None
            write_text(path, json.dumps(who))
            return
        while self._file is None:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                holder = os.read(file, 4096)
                os.close(file)
                raise FolderInUseError(self._message(holder)) from None
            except OSError as error:
                os.close(file)
                warnings.warn(
                    f'{path} cannot be locked ({error.strerror}): nothing keeps '
                    'another run from writing to this folder at the same time',
                    stacklevel=2,
                )
                return
            # Its last holder may have removed the file that was opened here.
            try:
                if os.path.samestat(os.fstat(file), os.stat(path)):
                    self._file = file
                    continue
            except FileNotFoundError:
                pass
            os.close(file)
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps(who).encode(), 0)

    def release(self) -> None:
        """Give the lock back, and remove its file; nothing if it is not held."""
        if self._file is not None:
            (self.folder / LOCK_FILE).unlink(missing_ok=True)
            os.close(self._file)
            self._file = None
        elif self._portable.is_locked:
            (self.folder / LOCK_FILE).unlink(missing_ok=True)
            self._portable.release()

    def _message(self, content: bytes) -> str:
        try:
            holder = json.loads(content)
            who = f'process {holder["pid"]} on {holder["host"]} since {holder["since"]}'
        except (ValueError, KeyError, TypeError):
            # It has the lock, and has not written its name yet.
            who = 'another process'
        return (
            f'{self.folder} is in use by {who}, and two runs would overwrite each '
            "other's files. Wait for it or end it, or take another folder"
        )
