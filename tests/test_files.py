"""Files that are whole or absent, and errors that name them."""

import errno
import os
import pickle

import pytest

from segda_mm.errors import FileNotWrittenError
from segda_mm.files import atomic_file


def test_the_file_appears_at_the_end(tmp_path):
    path = tmp_path / 'folder' / 'a.txt'
    with atomic_file(path) as unfinished:
        unfinished.write_text('whole')
        assert unfinished.parent == path.parent
        assert not path.exists()
    assert path.read_text() == 'whole'
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_earlier_file(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('earlier')
    with pytest.raises(ZeroDivisionError), atomic_file(path) as unfinished:
        unfinished.write_text('half')
        raise ZeroDivisionError
    assert path.read_text() == 'earlier'
    assert list(tmp_path.iterdir()) == [path]


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
