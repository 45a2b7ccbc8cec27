"""One run at a time in a folder, and nobody locked out by the dead."""

import os
import signal
import socket

import pytest

from segda_mm.apis import PreflightError
from segda_mm.apis.sole_run import sole_run_in
from segda_mm.errors import FolderInUseError
from segda_mm.files import RunFolderLock


@pytest.fixture
def holder(tmp_path):
    """The id of another process that has locked the folder.

    It has forked a process that lives on, as a data loader's worker does when its
    parent is killed.
    """
    ready, told = os.pipe()
    done, let_go = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(let_go)
            RunFolderLock(tmp_path / 'run').acquire()
            if os.fork():
                os.write(told, b'.')
                signal.pause()
            os.read(done, 1)
        finally:
            os._exit(0)
    os.read(ready, 1)
    yield pid
    # The grandchild reads the end of this pipe, and leaves.
    for end in (ready, told, done, let_go):
        os.close(end)


def test_a_run_is_refused_until_the_other_dies(tmp_path, holder):
    folder = tmp_path / 'run'
    with pytest.raises(FolderInUseError) as raised:
        RunFolderLock(folder).acquire()
    message = str(raised.value)
    who = f'process {holder} on {socket.gethostname()}'
    assert f'{folder} is in use by {who}' in message
    with pytest.raises(PreflightError, match=f'in use by process {holder}'):
        sole_run_in(folder).__enter__()
    os.kill(holder, signal.SIGKILL)
    os.waitpid(holder, 0)
    assert (folder / '.in_use').exists()
    with sole_run_in(folder):
        assert f'"pid": {os.getpid()},' in (folder / '.in_use').read_text()
    assert list(folder.iterdir()) == []


def test_the_lock_is_given_back_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), sole_run_in(tmp_path / 'new'):
        raise ZeroDivisionError
    assert list((tmp_path / 'new').iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(PreflightError, match='file cannot be written to'):
        sole_run_in(tmp_path / 'file').__enter__()


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(95, 'Operation not supported')

    monkeypatch.setattr('fcntl.lockf', refuse)
    lock = RunFolderLock(tmp_path)
    with pytest.warns(UserWarning, match='cannot be locked .Operation not supported'):
        lock.acquire()
    lock.release()
