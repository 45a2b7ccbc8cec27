import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'analysis' / 'results_pages.py'


@pytest.fixture
def call(tmp_path, toy_config, monkeypatch):
    """The tool on two experiments."""
    folder = tmp_path / 'experiments'
    folder.mkdir()
    for name in ('day', 'night'):
        table = dict(name='main', title='T', runs=['DSC'], figures=dict(mIoU='mIoU'))
        content = dict(
            title=f'The {name}', seeds=[0], runs=dict(DSC=dict(config=str(toy_config))),
            tables=[table])
        (folder / f'{name}.py').write_text(
            ''.join(f'{key} = {value!r}\n' for key, value in content.items()))

    def call(*words):
        places = [
            '--experiments', folder, '--results', tmp_path / 'lines', '--docs',
            tmp_path / 'docs'
        ]
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, places), *words])
        return runpy.run_path(str(TOOL))['main']()

    return call


def test_pages_are_written_and_compared(call, tmp_path, capsys):
    docs = tmp_path / 'docs'
    assert call('--check') == 1
    assert not docs.exists()
    assert call() == 0
    assert {path.name for path in docs.iterdir()} == {
        'README.md', 'day.md', 'day-main.csv', 'night.md', 'night-main.csv'
    }
    index = (docs / 'README.md').read_text()
    assert '| [The day](day.md) | 0 |\n| [The night](night.md) | 0 |' in index
    assert call('--check') == 0
    capsys.readouterr()
    for name in ('night.md', 'day-main.csv', 'README.md'):
        text = (docs / name).read_text()
        (docs / name).write_text(text + ' ')
        assert call('--check') == 1
        error = capsys.readouterr().err
        assert name in error and len(error.splitlines()) == 1
        (docs / name).write_text(text)


def test_a_wrong_experiment_ends_in_advice(call, tmp_path, capsys):
    (tmp_path / 'experiments' / 'wrong.py').write_text("title = 'x'")
    assert call() == 2
    assert 'wrong.py: seeds is missing' in capsys.readouterr().err
