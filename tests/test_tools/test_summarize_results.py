import json
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'analysis' / 'summarize_results.py'
ROW = '| DSC | 14.0 | 60.0 | 55.5 | 1 |'
MARKERS = [f'<!-- results of runs.jsonl: {side} -->' for side in ('begin', 'end')]


@pytest.fixture
def call(tmp_path, monkeypatch):
    """The tool in a folder with a results file."""
    metrics = dict(mIoU=14.0, aAcc=60.0, pixel_precision=55.5)
    row = dict(method='DSC', seed=0, metrics=metrics)
    (tmp_path / 'runs.jsonl').write_text(json.dumps(row) + '\n')
    monkeypatch.chdir(tmp_path)

    def call(*words):
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *words])
        runpy.run_path(str(TOOL))['main']()

    return call


def test_the_table_of_a_file_is_printed(call, capsys):
    call('runs.jsonl')
    table = capsys.readouterr().out.splitlines()
    assert table[0] == '| method | mIoU | aAcc | precision per pixel | seeds |'
    assert table[2:] == [ROW]


def test_a_page_is_checked_and_written(call, tmp_path):
    page = tmp_path / 'page.md'
    old = '\n'.join(['before', MARKERS[0], 'old', MARKERS[1], 'after', ''])
    page.write_text(old)
    with pytest.raises(SystemExit, match=r'page\.md is not what its results files'):
        call('--into', 'page.md', '--check')
    assert page.read_text() == old
    call('--into', 'page.md')
    text = page.read_text()
    assert text.startswith(f'before\n{MARKERS[0]}\n\n| method |')
    assert text.endswith(f'{ROW}\n\n{MARKERS[1]}\nafter\n')
    call('--into', 'page.md', '--check')


def test_what_is_wrong_is_told(call, tmp_path, capsys):
    with pytest.raises(SystemExit, match='summarize_results: absent.jsonl has no res'):
        call('absent.jsonl')
    (tmp_path / 'page.md').write_text('nothing\n')
    with pytest.raises(SystemExit, match='page.md: the page has no line'):
        call('--into', 'page.md')
    for words in ([], ['runs.jsonl', '--into', 'page.md'], ['runs.jsonl', '--check']):
        with pytest.raises(SystemExit, match='2'):
            call(*words)
    assert '--check needs --into PAGE' in capsys.readouterr().err
