"""Files that are whole or absent, and folders that one run at a time writes to."""

import errno
import json
import os
import pickle
import signal
import socket

import pytest

from segda_mm.apis import PreflightError
from segda_mm.apis.runner import sole_run_in
from segda_mm.errors import FileNotWrittenError
from segda_mm.files import RunFolderLock, atomic_file, write_json


def test_the_file_appears_at_the_end(tmp_path):
    path = tmp_path / 'folder' / 'a.json'
    with atomic_file(path) as unfinished:
        unfinished.write_text('whole')
        assert unfinished.parent == path.parent
        assert not path.exists()
    write_json(path, {'mIoU': 31.5})
    with pytest.raises(ValueError):
        write_json(path, {'mIoU': float('nan')})
    assert json.loads(path.read_text()) == {'mIoU': 31.5}
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    'error',
    [
        OSError(errno.ENOSPC, 'No space left on device'),
        # What torch.save says once a write of its own has failed.
        RuntimeError('[enforce fail at inline_container.cc:672] . unexpected pos 1'),
    ],
)
def test_a_failed_write_names_the_file_and_the_reason(tmp_path, error):
    path = tmp_path / 'a.txt'
    path.write_text('earlier')
    with pytest.raises(FileNotWrittenError) as raised, atomic_file(path) as unfinished:
        unfinished.write_text('half')
        raise error
    for copy in (raised.value, pickle.loads(pickle.dumps(raised.value))):
        assert str(copy).startswith(f'{path} was not written: ')
        assert 'space' in str(copy) or 'disk may be full' in str(copy)
    assert path.read_text() == 'earlier'
    assert list(tmp_path.iterdir()) == [path]


def test_other_errors_pass(tmp_path):
    for error in (
        FileNotFoundError('one of the package'),
        OSError(errno.EIO, os.strerror(errno.EIO), 'what was read'),
        RuntimeError('of the network'),
    ):
        with pytest.raises(type(error)) as raised, atomic_file(tmp_path / 'a'):
            raise error
        assert raised.value is error


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / 'file').touch()
    with (
        pytest.raises(FileNotWrittenError, match='file/a.txt was not written'),
        atomic_file(tmp_path / 'file' / 'a.txt'),
    ):
        pass
    with pytest.raises(PreflightError, match='file cannot be written to'):
        sole_run_in(tmp_path / 'file').__enter__()


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
    who = f'process {holder} on {socket.gethostname()}'
    with pytest.raises(PreflightError, match=f'{folder} is in use by {who}'):
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


def test_where_the_system_has_no_such_locks(tmp_path, monkeypatch):
    monkeypatch.setattr('segda_mm.files.fcntl', None)
    with sole_run_in(tmp_path):
        who = f'is in use by process {os.getpid()} on {socket.gethostname()}'
        with pytest.raises(PreflightError, match=who):
            sole_run_in(tmp_path).__enter__()
    with sole_run_in(tmp_path):
        pass
    assert not (tmp_path / '.in_use').exists()


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(95, 'Operation not supported')

    monkeypatch.setattr('fcntl.lockf', refuse)
    with (
        pytest.warns(UserWarning, match='cannot be locked .Operation not supported'),
        sole_run_in(tmp_path),
    ):
        pass
