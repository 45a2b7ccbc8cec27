import pytest

from segda_mm.atomic_file import atomic_file


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
