"""Real methods, killed and resumed, and in two processes."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from segda_mm.testing.run_results import find_difference, results_of_run
from segda_mm.testing.tiny_methods import tiny_method_config, write_tiny_world

ROOT = Path(__file__).parents[2]
METHODS = ('pseudo_label', 'mpl')


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp('world')
    write_tiny_world(root)
    return root


@pytest.fixture
def config(request, world, tmp_path):
    cfg = tiny_method_config(request.param, ROOT / 'configs', world)
    file = tmp_path / f'{request.param}.py'
    cfg.dump(str(file))
    return file


def command(config, work_dir, *options):
    return ['tools/train.py', str(config), '--work-dir', str(work_dir), *options]


def start(arguments, launcher=(), **env):
    return subprocess.Popen(
        [sys.executable, *launcher, *arguments],
        cwd=ROOT,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output[-3000:]
    return output


def load(file):
    return torch.load(file, map_location='cpu', weights_only=True)


@pytest.mark.slow
@pytest.mark.parametrize('config', METHODS, indirect=True)
def test_a_killed_run_ends_as_the_uninterrupted_one(config, tmp_path):
    """8 steps of 2 epochs; killed in the second epoch, at whatever moment.

    Each run is a process of its own, with another seed of Python's hashes, which
    studies/benchmarks/kill_and_resume.py does not vary.
    """
    whole = start(command(config, tmp_path / 'whole'), PYTHONHASHSEED='1')
    killed = start(command(config, tmp_path / 'killed'), PYTHONHASHSEED='2')
    deadline = time.monotonic() + 200
    while not any((tmp_path / 'killed' / f'iter_{i}.pth').exists() for i in (5, 6, 7)):
        assert killed.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / 'killed/iter_8.pth').exists()
    finish(whole)
    output = finish(
        start(command(config, tmp_path / 'killed', '--resume'), PYTHONHASHSEED='3')
    )
    # A kill between a checkpoint and its pointer resumes from the one before.
    assert re.search('resumed epoch: [01], iter: [4-7]', output)

    expected = results_of_run(tmp_path / 'whole')
    assert 'iter_8.pth' in expected
    assert find_difference(expected, results_of_run(tmp_path / 'killed')) is None


REPLICA_HOOK = """
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from segda_mm.registry import HOOKS


@HOOKS.register_module()
class SaveReplica(Hook):

    def after_train(self, runner):
        torch.save(runner.model.state_dict(),
                   f'{runner.work_dir}/replica_{get_rank()}.pth')
"""


@pytest.mark.parametrize('config', ['pseudo_label'], indirect=True)
def test_two_processes_keep_one_model(config, tmp_path):
    (tmp_path / 'replica_hook.py').write_text(REPLICA_HOOK)
    cfg = Config.fromfile(config)
    cfg.custom_imports.imports = [*cfg.custom_imports.imports, 'replica_hook']
    cfg.custom_hooks = [*cfg.custom_hooks, dict(type='SaveReplica')]
    cfg.dump(config)
    finish(
        start(
            command(config, tmp_path / 'run', '--launcher', 'pytorch'),
            launcher=(
                '-m',
                'torch.distributed.run',
                '--standalone',
                '--nproc-per-node=2',
            ),
            PYTHONPATH=f'{ROOT}:{tmp_path}',
        )
    )
    first, second = (load(tmp_path / f'run/replica_{rank}.pth') for rank in (0, 1))
    assert first.keys() == second.keys()
    for key, value in first.items():
        assert torch.equal(value, second[key]), key
    start_of_training = load(tmp_path / 'run/iter_3.pth')['state_dict']
    name = next(key for key in first if key.endswith('conv_seg.weight'))
    key = name.split('module.')[-1]
    assert not torch.equal(first[name], start_of_training[key])
    labels = list((tmp_path / 'run/pseudo_labels/epoch_1').rglob('*.png'))
    assert len(labels) == 6
