"""What the command lines share."""

import argparse
import os
import sys

import pytest

from segda_cli import arguments
from segda_mm.errors import FileNotWrittenError, PreflightError, TrainingStoppedError


def test_sizes_and_progress(capsys):
    assert arguments.size('256x128') == (256, 128)
    for text in ('256', '256x0', 'ax1'):
        with pytest.raises(argparse.ArgumentTypeError, match=f"'{text}' is not as"):
            arguments.size(text)
    show = arguments.progress_printer()
    show('gta5', 1, 2)
    show('gta5', 2, 2)
    assert capsys.readouterr().err == 'gta5: 2/2\n'


def test_what_several_commands_take(monkeypatch):
    monkeypatch.delenv('LOCAL_RANK', raising=False)
    parser = arguments.make_parser('What it does.')
    arguments.add_cfg_options(parser, 'a.b=1')
    arguments.add_launcher(parser, ('none', 'pytorch'))
    args = parser.parse_args(['--cfg-options', 'a=1', 'b.c=x y', '--local-rank=1'])
    assert args.cfg_options == ['a=1', 'b.c=x y']
    assert arguments.run(args, lambda args: None) == 0
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
        (KeyboardInterrupt('stopped'), 130),
    ],
)
def test_errors_end_in_a_sentence(error, status, monkeypatch, capsys):
    def job(args):
        raise error

    monkeypatch.setattr(sys, 'argv', ['here/train.py'])
    monkeypatch.delenv('RANK', raising=False)
    args = argparse.Namespace()
    assert arguments.run(args, lambda args: 1) == 1
    assert arguments.run(args, job, refused=(LookupError,)) == status
    assert capsys.readouterr().err == f'train.py: {error}\n'
    # Every process meets a wrong config; one tells it.
    monkeypatch.setenv('RANK', '1')
    assert arguments.run(args, job, refused=(LookupError,)) == status
    assert (capsys.readouterr().err == '') == (status == 2)
