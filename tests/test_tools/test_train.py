"""The command line of training; what it does is tested with the apis."""

import os
import subprocess
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).parents[2]
TRAIN = ROOT / 'tools' / 'train.py'


def test_flags_reach_the_run(toy_config, tmp_path, run_command):
    options = ('train_cfg.max_epochs=1', 'optim_wrapper.optimizer.lr=0.125')
    words = ('--work-dir', tmp_path / 'here', '--amp', '--cfg-options', *options)
    assert run_command('train', toy_config, *words) == 0
    checkpoint = torch.load(tmp_path / 'here' / 'epoch_1.pth', weights_only=True)
    assert checkpoint['meta']['iter'] == 2
    assert checkpoint['optimizer']['param_groups'][0]['initial_lr'] == 0.125
    assert (tmp_path / 'here' / 'report.html').is_file()
    dumped = (tmp_path / 'here' / 'toy.py').read_text()
    assert ('BFloat16' in dumped) != torch.cuda.is_available()


def test_absent_data_end_in_advice(tmp_path, run_command, monkeypatch, capsys):
    """The entry config, where there are no data."""
    monkeypatch.chdir(tmp_path)
    assert run_command('train', 'mpl_bisenet_gta2cs') == 2
    told = capsys.readouterr().err
    lines = told[told.index('segda train: ') :].splitlines()
    assert lines[1].split() == ['looked', 'for:', 'data/gta5/images']
    assert lines[2].strip().startswith('what belongs there: ')
    # All steps to the same job in small, of which each is a command.
    assert [line.split()[:3] for line in lines[4:]] == [
        ['segda', 'minicity', '--out'],
        ['segda', 'train', 'adversarial-dsc_bisenetv1-r18_minicity-128x256'],
        ['segda', 'train', 'mpl-product-dsc_bisenetv1-r18_minicity-128x256'],
    ]


def test_two_processes_of_torchrun_train_one_model(toy_config, tmp_path):
    torchrun = ['-m', 'torch.distributed.run', '--standalone', '--nproc-per-node=2']
    work_dir = tmp_path / 'pair'
    words = ['--launcher=pytorch', f'--work-dir={work_dir}']
    words += ['--cfg-options', 'train_cfg.max_epochs=1']
    done = subprocess.run(
        [sys.executable, *torchrun, str(TRAIN), str(toy_config), *words],
        env=dict(os.environ, PYTHONPATH=str(ROOT), CUDA_VISIBLE_DEVICES=''),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    # Four images, two processes, batches of two: one step each.
    checkpoint = torch.load(work_dir / 'epoch_1.pth', weights_only=True)
    assert checkpoint['meta']['iter'] == 1
