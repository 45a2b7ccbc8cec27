"""A folder that one run at a time may write to."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
import warnings
from pathlib import Path

LOCK_FILE = '.in_use'

#: What the system answers when another process has the lock.
_TAKEN = (BlockingIOError, PermissionError)


class FolderInUseError(RuntimeError):
    """Another run writes to a folder."""


class RunFolderLock:
    """Keeps other processes out of a folder until released, or until death.

    The lock is one of the kernel on the file ``.in_use``, which tells the others
    who holds it. It ends with the process that took it, however that dies; the
    file that a kill leaves locks nothing. Processes that were forked do not
    inherit it: data loader workers live on for seconds after their parent was
    killed, and would keep a resumed run out. Nor does it keep out a second run of
    the same process. Works on Linux and macOS, over NFS too.

    Args:
        folder: Made where missing, when the lock is taken.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            FolderInUseError: Another process has it; the message names the
                folder and that process.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / LOCK_FILE
        while self._file is None:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except _TAKEN:
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
            if _is_at(file, path):
                self._file = file
            else:
                os.close(file)
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, _this_process(), 0)

    def release(self) -> None:
        """Give the lock back, and remove its file; nothing if it is not held."""
        if self._file is not None:
            (self.folder / LOCK_FILE).unlink(missing_ok=True)
            os.close(self._file)
            self._file = None

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


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except FileNotFoundError:
        return False


def _this_process() -> bytes:
    since = time.strftime('%Y-%m-%d %H:%M:%S')
    who = dict(pid=os.getpid(), host=socket.gethostname(), since=since)
    return json.dumps(who).encode()
