"""The command line of training; what it does is tested with the apis."""

import os
import subprocess
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).parents[2]
TRAIN = ROOT / 'tools' / 'train.py'


def test_flags_reach_the_run(toy_config, tmp_path, run_tool):
    options = ('train_cfg.max_epochs=1', 'optim_wrapper.optimizer.lr=0.125')
    words = ('--work-dir', tmp_path / 'here', '--amp', '--cfg-options', *options)
    assert run_tool('train.py', toy_config, *words) == 0
    checkpoint = torch.load(tmp_path / 'here' / 'epoch_1.pth', weights_only=True)
    assert checkpoint['meta']['iter'] == 2
    assert checkpoint['optimizer']['param_groups'][0]['initial_lr'] == 0.125
    dumped = (tmp_path / 'here' / 'toy.py').read_text()
    assert ('BFloat16' in dumped) != torch.cuda.is_available()


def test_absent_data_end_in_advice(tmp_path, run_tool, monkeypatch, capsys):
    """The entry config, where there are no data."""
    monkeypatch.chdir(tmp_path)
    assert run_tool('train.py', ROOT / 'configs' / 'mpl_bisenet_gta2cs.py') == 2
    told = capsys.readouterr().err
    lines = told[told.index('train.py: ') :].splitlines()
    assert lines[1].split() == ['looked', 'for:', 'data/gta5/images']
    assert lines[2].strip().startswith('what belongs there: ')
    assert 'make_minicity.py' in lines[4]
    assert '&& python tools/train.py configs/mpl/' in lines[4]


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
