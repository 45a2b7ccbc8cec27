"""The command line of experiments, from files to results and a page."""

import json
import os
import re
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studies.read_experiment import read_experiment
from studies.study import Study

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'experiment.py'

EXPERIMENT = """
title = 'Toy streets'
seeds = [0, 1]
common_options = {{'train_cfg.max_epochs': 3}}
runs = {{
    'first': dict(config={config!r}, options={{'optim_wrapper.optimizer.lr': 0.02}}),
    'first + second': dict(
        config={config!r}, start_from=dict(run='first', keys=['load_from'])),
}}
tables = [
    dict(name='main', title='Figures', runs=['first', 'first + second'],
         figures=dict(mIoU='mIoU', pixel_precision='precision'), per_class='iou')
]
plots = [
    dict(name='curves', title='Curves', kind='curves', runs=['first'], figure='mIoU')
]
discussion = 'Gain: <<mIoU: first + second - first>>.'
"""


@pytest.fixture
def places(toy_config, tmp_path):
    file = tmp_path / 'toy_streets.py'
    file.write_text(EXPERIMENT.format(config=str(toy_config)))
    return file, [
        '--work-dir',
        str(tmp_path / 'runs'),
        '--results',
        str(tmp_path / 'lines.jsonl'),
    ]


def call(monkeypatch, file, *words):
    """The tool in this process; the runs that it starts have their own."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, 'argv', [str(TOOL), str(file), *words])
    handler = signal.getsignal(signal.SIGTERM)
    try:
        return runpy.run_path(str(TOOL))['main']()
    finally:
        signal.signal(signal.SIGTERM, handler)


def kill_after_first_checkpoint(file, flags, folder):
    command = [
        sys.executable,
        str(TOOL),
        str(file),
        '--carry-out',
        'first',
        '--seed',
        '0',
        *flags,
    ]
    env = dict(os.environ, OMP_NUM_THREADS='1')
    with subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        while not (folder.path / 'epoch_1.pth').exists():
            assert child.poll() is None
            time.sleep(0.01)
        child.kill()


def test_two_runs_and_two_seeds_with_a_kill_in_between(
    places, tmp_path, monkeypatch, capsys
):
    file, flags = places
    experiment = read_experiment(file)
    study = Study(experiment, tmp_path / 'runs', tmp_path / 'lines.jsonl')
    first, second = experiment.runs.values()
    folder = study.folder(first, 0)
    kill_after_first_checkpoint(file, flags, folder)
    assert folder.is_cut() and not study.results_file.exists()

    docs = ['--docs', str(tmp_path / 'docs'), '--jobs', '2']
    assert call(monkeypatch, file, *flags, *docs) == 0, capsys.readouterr().out
    # Nothing of it is done a second time.
    assert call(monkeypatch, file, *flags, *docs) == 0
    rows = [json.loads(line) for line in study.results_file.read_text().splitlines()]
    assert sorted((row['run'], row['seed']) for row in rows) == [
        ('first', 0),
        ('first', 1),
        ('first + second', 0),
        ('first + second', 1),
    ]
    assert 'resumed epoch: ' in folder.output.read_text()
    for row in rows:
        assert [entry['epoch'] for entry in row['validations']] == [1, 2, 3]
        # The test set is the validation set.
        assert row['validations'][-1]['mIoU'] == row['metrics']['mIoU']
        assert row['training']['loss'] > 0
        assert set(row['per_class_iou']) == {'road', 'car', 'sky'}
        assert row['checks']['max_difference'] < 0.01
        assert row['checks']['num_images'] == row['num_images'] == 3
        assert row['train_minutes'] > 0 and row['selection'] == 'last'
        assert row['environment']['threads'] == max(
            1, len(os.sched_getaffinity(0)) // 2
        )
        assert row['command'] == (
            f'python studies/run.py {file} --only {row["run"]!r} --seeds '
            f'{row["seed"]}'
        ).replace("'first'", 'first')
    hashes = {row['run']: row['config_hash'] for row in rows}
    assert hashes == study.hashes and len({*hashes.values()}) == 2
    assert len({row['data_hash'] for row in rows}) == 1
    seeds = {row['seed']: row['metrics'] for row in rows if row['run'] == 'first'}
    assert seeds[0] != seeds[1]

    started = study.folder(second, 1).output.read_text()
    assert f'Load checkpoint from {study.folder(first, 1).last_checkpoint()}' in started
    for run in (first, second):
        left = study.folder(run, 1).path
        assert [path.name for path in left.glob('*.pth')] == ['epoch_3.pth']
        assert not (left / 'predictions').exists()

    page = (tmp_path / 'docs/toy_streets.md').read_text()
    assert re.search(r'\| first \| [\d.]+ ± [\d.]+ \| [\d.]+ ± [\d.]+ \| 2 \|', page)
    assert re.search(r'Gain: [+-]?[\d.]+ ± [\d.]+\.', page)
    assert (tmp_path / 'docs/toy_streets-curves.png').exists()
    assert (tmp_path / 'docs/toy_streets-main.csv').read_text().count('\n') == 5


def test_a_dry_run_changes_nothing(places, tmp_path, monkeypatch, capsys):
    file, flags = places
    before = sorted(tmp_path.rglob('*'))
    assert call(monkeypatch, file, *flags, '--dry-run', '--only', 'first') == 0
    out = capsys.readouterr().out
    assert re.search(r'first +missing +missing +\?', out)
    assert '2 runs to do: 0.0 minutes and 2 runs of unknown length' in out
    assert sorted(tmp_path.rglob('*')) == before


def test_a_report_alone_runs_nothing_and_tells_of_stale_lines(
    places, tmp_path, monkeypatch, capsys
):
    file, flags = places
    (tmp_path / 'lines.jsonl').write_text(
        json.dumps(
            dict(
                experiment='toy_streets',
                run='first',
                method='first',
                seed=0,
                config_hash='x',
            )
        )
        + '\n'
    )
    assert (
        call(monkeypatch, file, *flags, '--report', '--docs', str(tmp_path / 'docs'))
        == 0
    )
    assert not (tmp_path / 'runs').exists()
    assert '| first | not run yet |' in (tmp_path / 'docs/toy_streets.md').read_text()
    assert '1 lines of' in capsys.readouterr().err


def test_a_wrong_experiment_ends_in_advice(tmp_path, monkeypatch, capsys):
    (tmp_path / 'wrong.py').write_text("title = 'x'\nseeds = [0]\nruns = {}")
    assert call(monkeypatch, tmp_path / 'wrong.py') == 2
    assert 'experiment.py: ' in (error := capsys.readouterr().err)
    assert 'runs is empty' in error


def test_help_does_not_wait_for_torch():
    command = [sys.executable, '-X', 'importtime', str(TOOL), '--help']
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert 'usage: experiment.py' in done.stdout
    assert not re.search(r'\b(torch|mmengine|numpy)\b', done.stderr)


def test_a_run_ends_with_the_process_that_started_it():
    program = (
        f'import runpy, sys, time\nmain = runpy.run_path({str(TOOL)!r})\n'
        'main["end_with"](int(sys.argv[1]))\ntime.sleep(60)'
    )
    child = [sys.executable, '-c', program]
    starter = (
        'import os, subprocess, sys\n'
        f'child = subprocess.Popen([*{child!r}, str(os.getpid())], '
        'stdout=subprocess.DEVNULL)\nprint(child.pid, flush=True)\nsys.stdin.read()'
    )
    with subprocess.Popen(
        [sys.executable, '-c', starter],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        pid = int(parent.stdout.readline())
        time.sleep(0.5)
        os.kill(pid, 0)
        parent.kill()
    deadline = time.monotonic() + 10
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(pid):
    status = Path(f'/proc/{pid}/stat')
    return status.exists() and status.read_text().rpartition(')')[2].split()[0] != 'Z'
