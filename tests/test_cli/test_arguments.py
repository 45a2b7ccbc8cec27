"""What the command lines share."""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from segda_cli import arguments
from segda_mm.errors import (
    DemoError,
    FileNotWrittenError,
    PreflightError,
    TrainingStoppedError,
)

ROOT = Path(__file__).parents[2]
TOOLS = sorted(
    str(path.relative_to(ROOT))
    for path in ROOT.glob('tools/**/*.py')
    if 'segda_cli' in path.read_text('utf-8')
)


@pytest.mark.parametrize('tool', TOOLS)
def test_help_does_not_wait_for_torch(tool):
    command = [sys.executable, '-X', 'importtime', str(ROOT / tool), '--help']
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment
    )
    assert 'usage: ' + Path(tool).name in done.stdout
    assert not re.search(r'\b(torch|mmengine|numpy|segda_mm)\b', done.stderr)


def test_what_several_commands_take(monkeypatch):
    monkeypatch.delenv('LOCAL_RANK', raising=False)
    parser = arguments.make_parser('What it does.')
    arguments.add_cfg_options(parser, 'a.b=1')
    arguments.add_work_dir(parser, 'logs')
    arguments.add_launcher(parser, ('none', 'pytorch'))
    arguments.add_predict_on(parser)
    words = ['--cfg-options', 'a=1', 'b.c=x y', '--work-dir', 'w', '--local-rank=1']
    args = parser.parse_args(
        [*words, '--launcher', 'pytorch', '--predict-on', 'teacher']
    )
    assert args.cfg_options == ['a=1', 'b.c=x y']
    assert (args.work_dir, args.launcher) == ('w', 'pytorch')
    assert args.predict_on == 'teacher'
    assert arguments.run(args, lambda: None) == 0
    assert os.environ['LOCAL_RANK'] == '1'
    with pytest.raises(SystemExit):
        parser.parse_args(['--launcher', 'slurm'])


@pytest.mark.parametrize(
    ('error', 'status'),
    [
        (PreflightError('no data'), 2),
        (FileNotWrittenError('a.json', 'No space left'), 2),
        (LookupError('no such row'), 2),
        (TrainingStoppedError('loss is nan'), 1),
        (DemoError('ended with status 3'), 1),
    ],
)
def test_errors_end_in_a_sentence(error, status, monkeypatch, capsys):
    def job():
        raise error

    monkeypatch.setattr(sys, 'argv', ['here/train.py'])
    monkeypatch.delenv('RANK', raising=False)
    args = argparse.Namespace()
    assert arguments.run(args, job, refused=(LookupError,)) == status
    assert capsys.readouterr().err == f'train.py: {error}\n'
    # Every process meets a wrong config; one tells it.
    monkeypatch.setenv('RANK', '1')
    assert arguments.run(args, job, refused=(LookupError,)) == status
    assert (capsys.readouterr().err == '') == (status == 2)


def test_other_errors_pass():
    def job():
        raise LookupError

    with pytest.raises(LookupError):
        arguments.run(argparse.Namespace(), job)
    assert arguments.run(argparse.Namespace(), lambda: 1) == 1
