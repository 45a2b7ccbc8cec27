import json
import subprocess
import sys

import pytest

from studies.results_file import append_row, provenance, read_rows


def test_rows_come_back_in_order(tmp_path):
    file = tmp_path / 'results' / 'world.jsonl'
    assert read_rows(file) == []
    append_row(file, dict(method='DSC', seed=0))
    append_row(file, dict(method='DSC', seed=1))
    assert read_rows(file) == [dict(method='DSC', seed=0), dict(method='DSC', seed=1)]
    assert [json.loads(line) for line in file.read_text().splitlines()] == read_rows(
        file
    )


def test_a_figure_that_json_does_not_know_is_refused(tmp_path):
    with pytest.raises(ValueError, match='not JSON compliant'):
        append_row(tmp_path / 'world.jsonl', dict(mIoU=float('nan')))


def test_the_commit_says_when_the_code_was_changed_after_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert provenance()['commit'].startswith('unknown')

    def git(*arguments):
        subprocess.run(
            ['git', '-c', 'user.name=n', '-c', 'user.email=e', *arguments],
            check=True,
            capture_output=True,
        )

    (tmp_path / 'tool.py').write_text('1')
    lines = tmp_path / 'benchmarks' / 'results' / 'world.jsonl'
    lines.parent.mkdir(parents=True)
    lines.write_text('')
    git('init')
    git('add', '.')
    git('commit', '-m', 'Add a tool')
    clean = provenance()['commit']
    assert not clean.endswith('-dirty')
    # A run does not make the next one's code another one.
    append_row(lines, dict(seed=0))
    monkeypatch.chdir(lines.parent)
    assert provenance()['commit'] == clean
    (tmp_path / 'tool.py').write_text('2')
    assert provenance()['commit'] == f'{clean}-dirty'


def test_the_command_is_relative_to_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        sys, 'argv', [str(tmp_path / 'tools' / 'train all.py'), '--seed', '1']
    )
    assert provenance()['command'] == "python 'tools/train all.py' --seed 1"
