import runpy
import sys
from pathlib import Path

import pytest

from segda_cli.main import main
from segda_mm.testing.toy_job import write_toy_job

ROOT = Path(__file__).parents[2]


@pytest.fixture
def toy_config(tmp_path):
    return write_toy_job(tmp_path)


@pytest.fixture
def run_command():
    """Run `segda` in this process; returns its status."""

    def run(command, *words):
        try:
            return main([command, *map(str, words)])
        except SystemExit as stop:
            return stop.code

    return run


@pytest.fixture
def run_program(monkeypatch):
    """Run a program of the repository in this process; returns its status."""

    def run(program, *words):
        monkeypatch.setattr(sys, 'argv', [program, *map(str, words)])
        # As Python does for a script.
        monkeypatch.syspath_prepend((ROOT / program).parent)
        try:
            return runpy.run_path(str(ROOT / program))['main']()
        except SystemExit as stop:
            return stop.code

    return run
