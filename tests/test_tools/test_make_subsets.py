from __future__ import annotations

import runpy
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

TOOL = Path(__file__).parents[2] / 'tools/dataset_converters/make_subsets.py'


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the tool in this process; return its status, stdout and stderr."""

    def run(*args: object) -> tuple[int, str, str]:
        monkeypatch.setattr('sys.argv', [str(TOOL), *map(str, args)])
        try:
            status = runpy.run_path(str(TOOL))['main']()
        except SystemExit as stop:
            status = stop.code
        return (status, *capsys.readouterr())

    return run


def test_help_is_immediate():
    start = time.monotonic()
    text = subprocess.check_output([sys.executable, str(TOOL), '--help'], text=True)
    assert time.monotonic() - start < 1.5
    assert '--cityscapes-val' in text


def test_something_must_be_asked_for(run):
    status, _, err = run()
    assert status == 2
    assert '--cityscapes' in err


def test_writes_lists_or_says_why_not(run, tmp_path):
    for kind in ('images', 'labels'):
        (tmp_path / 'gta5' / kind).mkdir(parents=True)
        for i in range(4):
            pixels = np.zeros((6, 8), np.uint8)
            Image.fromarray(pixels).save(tmp_path / f'gta5/{kind}/{i:05d}.png')
    args = ('--gta5', tmp_path / 'gta5', '--out', tmp_path / 'subsets')
    status, _, err = run(*args)
    assert status == 2
    assert 'a subset of 500 was asked for, but there are 4' in err
    status, out, _ = run(*args, '--gta5-train', 2)
    assert status == 0
    path = tmp_path / 'subsets/gta5_train_2.txt'
    assert out.splitlines()[-1] == str(path)
    assert len(path.read_text().splitlines()) == 3
