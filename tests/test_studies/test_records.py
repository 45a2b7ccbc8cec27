import subprocess
import sys

import pytest

from studies import records
from studies.records import append_row, provenance, read_rows


def test_rows_come_back_in_order(tmp_path):
    file = tmp_path / 'results' / 'world.jsonl'
    assert read_rows(file) == []
    append_row(file, dict(method='DSC', seed=0))
    append_row(file, dict(method='DSC', seed=1))
    assert [row['seed'] for row in read_rows(file)] == [0, 1]
    with pytest.raises(ValueError, match='not JSON compliant'):
        append_row(file, dict(mIoU=float('nan')))


def test_the_commit_says_when_the_code_was_changed_after_it(tmp_path, monkeypatch):
    monkeypatch.setattr(records, 'ROOT', tmp_path)
    assert provenance()['commit'].startswith('unknown')

    def git(*arguments):
        subprocess.run(
            ['git', '-c', 'user.name=n', '-c', 'user.email=e', *arguments],
            check=True,
            capture_output=True,
            cwd=tmp_path,
        )

    (tmp_path / 'tool.py').write_text('1')
    lines = tmp_path / 'studies' / 'results' / 'world.jsonl'
    append_row(lines, dict(seed=0))
    git('init')
    git('add', '.')
    git('commit', '-m', 'Add a tool')
    clean = provenance()['commit']
    assert not clean.endswith('-dirty')
    # A run does not make the next one's code another one.
    append_row(lines, dict(seed=1))
    assert provenance()['commit'] == clean
    (tmp_path / 'tool.py').write_text('2')
    assert provenance()['commit'] == f'{clean}-dirty'


def test_where_a_line_comes_from(tmp_path, monkeypatch):
    monkeypatch.setattr(records, 'ROOT', tmp_path)
    program = str(tmp_path / 'tools' / 'train all.py')
    monkeypatch.setattr(sys, 'argv', [program, '--seed', '1'])
    origin = provenance()
    assert origin['command'] == "python 'tools/train all.py' --seed 1"
    assert provenance(['a.py', 'b c'])['command'] == "python a.py 'b c'"
    assert origin['versions'].keys() >= {'python', 'torch', 'mmengine', 'segda_mm'}
    assert origin['threads'] >= 1 and 'CPU cores' in origin['machine']
