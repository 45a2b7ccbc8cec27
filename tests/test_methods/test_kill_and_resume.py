"""Real methods, killed and resumed."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from segda_mm.testing.run_results import find_difference, results_of_run
from segda_mm.testing.tiny_methods import tiny_method_config, write_tiny_world

ROOT = Path(__file__).parents[2]


def start(config, work_dir, hash_seed, *options):
    command = ['tools/train.py', str(config), '--work-dir', str(work_dir), *options]
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=dict(
            os.environ,
            OMP_NUM_THREADS='1',
            PYTHONPATH=str(ROOT),
            PYTHONHASHSEED=hash_seed,
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output[-3000:]
    return output


@pytest.mark.slow
@pytest.mark.parametrize('method', ['pseudo_label', 'mpl'])
def test_a_killed_run_ends_as_the_uninterrupted_one(method, tmp_path):
    """8 steps of 2 epochs; killed in the second epoch, at whatever moment.

    Each run is a process of its own, with another seed of Python's hashes, which
    studies/benchmarks/kill_and_resume.py does not vary.
    """
    write_tiny_world(tmp_path / 'world')
    config = tmp_path / 'config.py'
    tiny_method_config(method, ROOT / 'configs', tmp_path / 'world').dump(config)
    whole = start(config, tmp_path / 'whole', '1')
    killed = start(config, tmp_path / 'killed', '2')
    deadline = time.monotonic() + 200
    while not any((tmp_path / 'killed' / f'iter_{i}.pth').exists() for i in (5, 6, 7)):
        assert killed.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / 'killed/iter_8.pth').exists()
    finish(whole)
    output = finish(start(config, tmp_path / 'killed', '3', '--resume'))
    # A kill between a checkpoint and its pointer resumes from the one before.
    assert re.search('resumed epoch: [01], iter: [4-7]', output)

    expected = results_of_run(tmp_path / 'whole')
    assert 'iter_8.pth' in expected
    assert find_difference(expected, results_of_run(tmp_path / 'killed')) is None
