import runpy
import sys
from pathlib import Path

import pytest

from segda_mm.testing.toy_job import write_toy_job

TOOLS = Path(__file__).parents[2] / 'tools'


@pytest.fixture
def toy_config(tmp_path):
    return write_toy_job(tmp_path)


@pytest.fixture
def run_tool(monkeypatch):
    """Run a tool, named relative to `tools`, in this process; returns its status."""

    def run(tool, *words):
        script = TOOLS / tool
        monkeypatch.setattr(sys, 'argv', [str(script), *map(str, words)])
        # As Python does for a script.
        monkeypatch.syspath_prepend(script.parent)
        try:
            return runpy.run_path(str(script))['main']()
        except SystemExit as stop:
            return stop.code

    return run
