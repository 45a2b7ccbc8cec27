"""A plan of self-training under torchrun: whole, and with a process killed in it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from segda_mm.testing.toy_plan import write_toy_plan

ROOT = Path(__file__).parents[2]
TORCHRUN = ('-m', 'torch.distributed.run', '--standalone', '--nproc-per-node=2')


def start(plan, work_dir):
    return subprocess.Popen(
        [
            sys.executable,
            *TORCHRUN,
            str(ROOT / 'tools' / 'self_train.py'),
            str(plan),
            '--launcher=pytorch',
            f'--work-dir={work_dir}',
        ],
        cwd=plan.parent,
        env=dict(os.environ, PYTHONPATH=str(ROOT), CUDA_VISIBLE_DEVICES=''),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def workers(process):
    """Process ids of the workers of a torchrun, by rank."""
    children = Path(f'/proc/{process.pid}/task/{process.pid}/children').read_text()
    ranks = {}
    for pid in map(int, children.split()):
        variables = Path(f'/proc/{pid}/environ').read_bytes().split(b'\0')
        ranks |= {
            int(entry.removeprefix(b'RANK=')): pid
            for entry in variables
            if entry.startswith(b'RANK=')
        }
    return ranks


def outcome(work_dir):
    return (
        json.loads((work_dir / 'report.json').read_text()),
        json.loads((work_dir / 'state.json').read_text()),
        {
            str(path.relative_to(work_dir)): path.read_bytes()
            for path in work_dir.glob('*-label/**/*.png')
        },
    )


@pytest.mark.slow
def test_a_killed_process_ends_the_plan_which_then_goes_on(tmp_path):
    plan = write_toy_plan(tmp_path)
    whole, killed = tmp_path / 'whole', tmp_path / 'killed'
    process = start(plan, whole)
    output, _ = process.communicate(timeout=3000)
    assert process.returncode == 0, output[-3000:]

    process = start(plan, killed)
    while not list(killed.glob('1-student/epoch_*.pth')):
        assert process.poll() is None, process.stdout.read()[-3000:]
        time.sleep(0.01)
    ranks = workers(process)
    assert ranks.keys() == {0, 1}
    os.kill(ranks[1], signal.SIGKILL)
    begin = time.monotonic()
    output, _ = process.communicate(timeout=600)
    print(f'ended {time.monotonic() - begin:.1f} s after the kill')
    assert process.returncode != 0
    assert 'SIGKILL' in output or 'exitcode' in output
    assert not Path(f'/proc/{ranks[0]}').exists()
    assert not (killed / 'report.json').exists()

    process = start(plan, killed)
    output, _ = process.communicate(timeout=3000)
    assert process.returncode == 0, output[-3000:]
    assert outcome(killed) == outcome(whole)
    report, state, labels = outcome(killed)
    assert len(report['rounds']) == 3
    assert all(stage['finished'] for stage in state['stages'].values())
    assert len(labels) == 16
    for work_dir in (whole, killed):
        assert not list(work_dir.rglob('*.unfinished'))
    # One process logs, and none leaves files where the command was started.
    assert len(list(whole.glob('0-teacher/*/*.log'))) == 1
    assert sorted(path.name for path in plan.parent.iterdir()) == ['plan.py', 'tiny.py']
