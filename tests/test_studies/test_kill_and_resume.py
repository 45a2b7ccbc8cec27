"""Killed runs of real methods, and whether a run that is not exact is found."""

import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import kill_and_resume
import numpy as np
import pytest
import torch

from segda_mm.engine.runner import find_resumable_checkpoint

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'studies' / 'benchmarks' / 'kill_and_resume.py'


def run_tool(out, *options):
    done = subprocess.run(
        [sys.executable, str(TOOL), '--out', str(out), *options],
        cwd=ROOT,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return [json.loads(line) for line in out.read_text().splitlines()]


@pytest.mark.slow
def test_killed_runs_of_some_methods_end_as_uninterrupted_ones(tmp_path):
    rows = run_tool(
        tmp_path / 'rows.jsonl',
        *(
            '--methods',
            'pseudo_label',
            'mpl',
            'daformer',
            '--workers',
            '2',
            '--kills',
            '1',
        ),
    )
    assert [row['identical'] for row in rows] == [1, 1, 1]
    # The last checkpoint; of pseudo labels two times 6 images and a manifest.
    assert [row['compared'] for row in rows] == [1 + 2 * 7, 1, 1]


@pytest.mark.slow
def test_killed_runs_of_all_methods_end_as_uninterrupted_ones(tmp_path):
    rows = run_tool(tmp_path / 'rows.jsonl', '--kills', '20')
    assert len({row['method'] for row in rows}) == 12
    assert [row['num_workers'] for row in rows] == [0, 2] * 12
    for row in rows:
        assert row['kills'] == row['identical'] == 20
        # The moments are drawn from the time that a whole run trains.
        assert row['killed_training'] >= 15


def add_random_numbers(work_dir, by_counter):
    """Stands for a training of 20 steps, in a folder where it may have begun."""
    work_dir.mkdir(exist_ok=True)
    (work_dir / 'config.py').touch()
    total, first = torch.zeros(1), 0
    begun = find_resumable_checkpoint(str(work_dir))
    if begun:
        content = torch.load(begun, weights_only=True)
        total, first = content['state_dict']['total'], content['meta']['iter']
    stream = np.random.default_rng(0)
    for step in range(first, 20):
        if by_counter:
            stream = np.random.default_rng((0, step))
        total += stream.random()
        time.sleep(0.02)
        content = dict(
            state_dict=dict(total=total),
            optimizer={},
            param_schedulers=[],
            meta=dict(epoch=0, iter=step + 1),
            message_hub=dict(log_scalars={}),
        )
        file = work_dir / f'iter_{step + 1}.pth'
        torch.save(content, work_dir / 'unfinished')
        os.replace(work_dir / 'unfinished', file)
        (work_dir / 'last_checkpoint').write_text(str(file))


def measure(run, folder, kills, **options):
    job = kill_and_resume.Job('toy', 0, run, 'iter_20.pth')
    draw = np.random.default_rng(0)
    return kill_and_resume.measure(job, folder / 'runs', kills, draw, **options)


@pytest.mark.parametrize('by_counter', [True, False])
def test_a_run_that_draws_other_numbers_when_resumed_is_found(tmp_path, by_counter):
    run = partial(add_random_numbers, by_counter=by_counter)
    row, expected = measure(run, tmp_path, 3)
    assert list(expected) == ['iter_20.pth']
    assert row['kills'] == 3
    assert row['killed_training'] > 0
    assert kill_and_resume.is_exact(row) == (row['identical'] == 3) == by_counter
    assert {run['difference'] for run in row['runs']} <= {
        None,
        'iter_20.pth.weights.total',
    }


def test_a_run_that_cannot_be_resumed_is_found(tmp_path):
    def run(work_dir):
        if work_dir.exists():
            raise RuntimeError('there is something already')
        add_random_numbers(work_dir, by_counter=True)

    row, _ = measure(run, tmp_path, 1)
    assert not kill_and_resume.is_exact(row)
    (log,) = (tmp_path / 'runs').glob('killed_*-moved.log')
    assert row['runs'][0]['difference'] == f'ended with 1, see {log}'
    assert 'there is something already' in log.read_text()


def test_other_results_than_those_expected_are_found(tmp_path):
    other = {'iter_20.pth': dict(iter=19)}
    row, _ = measure(
        partial(add_random_numbers, by_counter=True), tmp_path, 0, expected=other
    )
    assert row['uninterrupted_difference'].startswith('iter_20.pth')
    assert not kill_and_resume.is_exact(row)
