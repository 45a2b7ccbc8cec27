"""The command line of training; what it does is tested with the apis."""

import os
import subprocess
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).parents[2]
TRAIN = ROOT / 'tools' / 'train.py'


def test_flags_reach_the_run(toy_config, tmp_path, run_tool):
    status = run_tool(
        'train.py',
        toy_config,
        '--work-dir',
        tmp_path / 'here',
        '--amp',
        '--cfg-options',
        'train_cfg.max_epochs=1',
        'optim_wrapper.optimizer.lr=0.125',
    )
    assert status == 0
    checkpoint = torch.load(tmp_path / 'here' / 'epoch_1.pth', weights_only=True)
    assert checkpoint['meta']['iter'] == 2
    assert checkpoint['optimizer']['param_groups'][0]['initial_lr'] == 0.125
    dumped = (tmp_path / 'here' / 'toy.py').read_text()
    assert ('BFloat16' in dumped) != torch.cuda.is_available()


def test_resume_with_nothing_to_resume(toy_config, run_tool, capsys):
    assert run_tool('train.py', toy_config, '--resume') == 2
    assert 'nothing to resume' in capsys.readouterr().err


def test_absent_data_end_in_advice_without_a_traceback(tmp_path):
    """The whole program, on the entry config, where there are no data."""
    entry = ROOT / 'configs' / 'mpl_bisenet_gta2cs.py'
    command = [sys.executable, str(TRAIN), str(entry)]
    env = dict(os.environ, PYTHONPATH=str(ROOT))
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert 'Traceback' not in done.stderr
    lines = done.stderr[done.stderr.index('train.py: ') :].splitlines()
    assert lines[1].split() == ['looked', 'for:', 'data/gta5/images']
    assert lines[2].strip().startswith('what belongs there: ')
    assert 'make_minicity.py' in lines[4]
    assert '&& python tools/train.py configs/mpl/' in lines[4]


def test_two_processes_of_torchrun_train_one_model(toy_config, tmp_path):
    program = [sys.executable, '-m', 'torch.distributed.run', '--standalone']
    work_dir = tmp_path / 'pair'
    done = subprocess.run(
        [
            *program,
            '--nproc-per-node=2',
            str(TRAIN),
            str(toy_config),
            '--launcher=pytorch',
            f'--work-dir={work_dir}',
            '--cfg-options',
            'train_cfg.max_epochs=1',
        ],
        env=dict(os.environ, PYTHONPATH=str(ROOT), CUDA_VISIBLE_DEVICES=''),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    # Four images, two processes, batches of two: one step each.
    checkpoint = torch.load(work_dir / 'epoch_1.pth', weights_only=True)
    assert checkpoint['meta']['iter'] == 1
