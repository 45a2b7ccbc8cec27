"""The command `segda`: its sub-commands, and how fast it shows them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from segda_cli import main as cli

ROOT = Path(__file__).parents[2]

#: Shows every help, and then tells what was imported for it, and how long it took.
SHOW_HELP = """
import sys, time
from segda_cli.main import main, names
slow = {'torch', 'mmengine', 'numpy', 'segda_mm'}
for words in ([], *([name] for name in names())):
    try:
        main([*words, '--help'])
    except SystemExit as stop:
        assert stop.code == 0
    assert not slow & sys.modules.keys(), words
print(time.process_time())
"""


def test_help_does_not_wait_for_torch():
    done = subprocess.run(
        [sys.executable, '-c', SHOW_HELP], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    shown = re.findall(r'^usage: segda ([\w-]+)', done.stdout, re.MULTILINE)
    assert shown == cli.names()
    assert {'train', 'test', 'label', 'self-train', 'export', 'check'} <= set(shown)
    # All of them together, where one may take 0.3 s.
    assert float(done.stdout.splitlines()[-1]) < 0.6


def test_a_file_is_all_that_a_command_needs(tmp_path, monkeypatch, capsys):
    (tmp_path / 'say_hello.py').write_text(
        '"""Greet."""\n'
        'REFUSED = (LookupError,)\n'
        'def add_arguments(parser): parser.add_argument("name")\n'
        'def job(args): print("hello", args.name); return {"you": 3}[args.name]\n'
    )
    monkeypatch.setattr(cli.commands, '__path__', [str(tmp_path)])
    assert cli.main(['say-hello', 'you']) == 3
    assert cli.main(['say-hello', 'stranger']) == 2
    assert capsys.readouterr().err == "segda say-hello: 'stranger'\n"
    assert cli.main([]) == 0
    assert 'say-hello   Greet.' in capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.main(['say-helo'])
    assert 'did you mean `segda say-hello`?' in capsys.readouterr().err


@pytest.mark.parametrize(
    'tool',
    sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob('tools/**/*.py')),
)
def test_tools_are_doors_to_commands(tool):
    done = subprocess.run(
        [sys.executable, tool, '--help'],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={'PYTHONPATH': str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('usage: segda ')
