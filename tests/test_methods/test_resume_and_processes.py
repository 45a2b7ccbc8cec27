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

from segda_mm.minicity import write_cityscapes, write_gta5

from .methods_config import small_config

ROOT = Path(__file__).parents[2]
METHODS = ('pseudo_label', 'mpl')


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp('world')
    write_gta5(root / 'gta5', num_images=8, seed=0, size=(128, 64))
    write_cityscapes(
        root / 'cityscapes', train=6, val=1, seed=0, size=(128, 64))
    return root


@pytest.fixture
def config(request, world, tmp_path):
    cfg = small_config(request.param, ROOT / 'configs', world)
    file = tmp_path / f'{request.param}.py'
    cfg.dump(str(file))
    return file


def command(config, work_dir, *options):
    return [
        'tools/train.py',
        str(config), '--work-dir',
        str(work_dir), *options
    ]


def start(arguments, launcher=(), **env):
    return subprocess.Popen([sys.executable, *launcher, *arguments],
                            cwd=ROOT,
                            env={
                                **os.environ, 'OMP_NUM_THREADS': '1',
                                'PYTHONPATH': str(ROOT),
                                **env
                            },
                            stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT,
                            text=True)


def finish(process):
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output[-3000:]
    return output


def load(file):
    return torch.load(file, map_location='cpu', weights_only=True)


def equal(a, b):
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(equal, a, b))
    return a == b


@pytest.mark.parametrize('config', METHODS, indirect=True)
def test_a_killed_run_ends_as_the_uninterrupted_one(config, tmp_path):
    """8 steps of 2 epochs; killed in the second epoch, at whatever moment."""
    whole = start(command(config, tmp_path / 'whole'))
    killed = start(command(config, tmp_path / 'killed'))
    deadline = time.monotonic() + 200
    while not any((tmp_path / 'killed' / f'iter_{i}.pth').exists()
                  for i in (5, 6, 7)):
        assert killed.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / 'killed/iter_8.pth').exists()
    finish(whole)
    output = finish(start(command(config, tmp_path / 'killed', '--resume')))
    # A kill between a checkpoint and its pointer resumes from the one before.
    assert re.search('resumed epoch: [01], iter: [4-7]', output)

    a, b = (
        load(tmp_path / name / 'iter_8.pth') for name in ('whole', 'killed'))
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert a[part], part
        assert equal(a[part], b[part]), part
    assert a['meta']['epoch'] == b['meta']['epoch']
    assert a['meta']['iter'] == b['meta']['iter'] == 8
    for manifest in (tmp_path / 'whole').rglob('manifest.json'):
        twin = tmp_path / 'killed' / manifest.relative_to(tmp_path / 'whole')
        assert manifest.read_text() == twin.read_text()


REPLICA_HOOK = '''
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from segda_mm.registry import HOOKS


@HOOKS.register_module()
class SaveReplica(Hook):

    def after_train(self, runner):
        torch.save(runner.model.state_dict(),
                   f'{runner.work_dir}/replica_{get_rank()}.pth')
'''


@pytest.mark.parametrize('config', METHODS, indirect=True)
def test_two_processes_keep_one_model(config, tmp_path):
    (tmp_path / 'replica_hook.py').write_text(REPLICA_HOOK)
    text = config.read_text().replace(
        "'segda_mm',", "'segda_mm', 'replica_hook',").replace(
            "custom_hooks = [", "custom_hooks = [dict(type='SaveReplica'),")
    config.write_text(text)
    assert 'replica_hook' in text and 'SaveReplica' in text
    finish(
        start(
            command(config, tmp_path / 'run', '--launcher', 'pytorch'),
            launcher=('-m', 'torch.distributed.run', '--standalone',
                      '--nproc-per-node=2'),
            PYTHONPATH=f'{ROOT}:{tmp_path}'))
    first, second = (
        load(tmp_path / f'run/replica_{rank}.pth') for rank in (0, 1))
    assert first.keys() == second.keys()
    for key, value in first.items():
        assert torch.equal(value, second[key]), key
    start_of_training = load(tmp_path / 'run/iter_3.pth')['state_dict']
    name = next(key for key in first if key.endswith('conv_seg.weight'))
    key = name.split('module.')[-1]
    assert not torch.equal(first[name], start_of_training[key])
    if config.stem == 'pseudo_label':
        labels = list((tmp_path / 'run/pseudo_labels/epoch_1').rglob('*.png'))
        assert len(labels) == 6
