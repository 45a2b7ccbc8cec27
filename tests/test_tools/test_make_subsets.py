from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

TOOL = Path(__file__).parents[2] / 'tools/dataset_converters/make_subsets.py'


def test_help_is_immediate():
    start = time.monotonic()
    text = subprocess.check_output([sys.executable, str(TOOL), '--help'], text=True)
    assert time.monotonic() - start < 1.5
    assert '--cityscapes-val' in text


def test_something_must_be_asked_for(run_tool, capsys):
    status, err = run_tool(TOOL), capsys.readouterr().err
    assert status == 2
    assert '--cityscapes' in err


def test_writes_lists_or_says_why_not(run_tool, capsys, tmp_path):
    for kind in ('images', 'labels'):
        (tmp_path / 'gta5' / kind).mkdir(parents=True)
        for i in range(4):
            pixels = np.zeros((6, 8), np.uint8)
            Image.fromarray(pixels).save(tmp_path / f'gta5/{kind}/{i:05d}.png')
    args = ('--gta5', tmp_path / 'gta5', '--out', tmp_path / 'subsets')
    status, err = run_tool(TOOL, *args), capsys.readouterr().err
    assert status == 2
    assert 'a subset of 500 was asked for, but there are 4' in err
    status = run_tool(TOOL, *args, '--gta5-train', 2)
    out = capsys.readouterr().out
    assert status == 0
    path = tmp_path / 'subsets/gta5_train_2.txt'
    assert out.splitlines()[-1] == str(path)
    assert len(path.read_text().splitlines()) == 3
