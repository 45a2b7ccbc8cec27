import json
import runpy
import sys
from pathlib import Path

import pytest

from studies.read_experiment import read_experiment
from studies.run_config import config_hashes

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'analysis' / 'results_pages.py'


@pytest.fixture
def call(tmp_path, toy_config, monkeypatch):
    """The tool on two experiments, one of which has been run."""
    folder = tmp_path / 'experiments'
    folder.mkdir()
    for name in ('day', 'night'):
        table = dict(name='main', title='T', runs=['DSC'], figures=dict(mIoU='mIoU'))
        content = dict(
            title=f'The {name}',
            seeds=[0],
            runs=dict(DSC=dict(config=str(toy_config))),
            tables=[table],
        )
        (folder / f'{name}.py').write_text(
            ''.join(f'{key} = {value!r}\n' for key, value in content.items())
        )

    experiment = read_experiment(folder / 'day.py')
    line = dict(
        experiment='day',
        run='DSC',
        method='DSC',
        seed=0,
        metrics=dict(mIoU=30.7),
        config=str(toy_config),
        minutes=1.0,
        config_hash=config_hashes(experiment)['DSC'],
        data_hash='d',
        environment=dict(python='3.11', threads=1),
        commit='abc',
        date='2026-01-02',
        machine='2 CPU cores',
    )
    (tmp_path / 'lines').mkdir()
    (tmp_path / 'lines' / 'day.jsonl').write_text(json.dumps(line) + '\n')

    def call(*words):
        places = [
            '--experiments',
            folder,
            '--results',
            tmp_path / 'lines',
            '--docs',
            tmp_path / 'docs',
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
        'README.md',
        'day.md',
        'day-main.csv',
    }
    index = (docs / 'README.md').read_text()
    assert '| [The day](day.md) | 1 |\n| The night | not run |' in index
    assert '30.7' in (docs / 'day.md').read_text()
    assert call('--check') == 0
    capsys.readouterr()
    for name in ('day.md', 'day-main.csv', 'README.md'):
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
