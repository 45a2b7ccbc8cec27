"""The command line; what it does is tested with the evaluation."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip('torchmetrics')

TOOL = Path(__file__).parents[2] / 'tools' / 'analysis' / 'recheck_predictions.py'


@pytest.fixture
def run(monkeypatch):
    def run(*words):
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, words)])
        return runpy.run_path(str(TOOL))['main']()

    return run


@pytest.fixture
def perfect(toy_config, tmp_path):
    """Predictions that are the truth, and figures; the first row of 32 is void."""
    out, metrics = tmp_path / 'out', tmp_path / 'net_metrics.json'
    out.mkdir()
    for file in (tmp_path / 'data' / 'labels' / 'val').iterdir():
        labels = np.array(Image.open(file))
        labels[0] = 0
        Image.fromarray(labels).save(out / file.name)
    results = dict(
        num_images=3,
        metrics=dict(aAcc=100.0, mIoU=100.0, mAcc=100.0, pixel_precision=96.88),
        per_class_iou=dict.fromkeys(('road', 'car', 'sky'), 100.0),
    )
    metrics.write_text(json.dumps(results))
    return out, metrics


def test_figures_that_agree(toy_config, perfect, run, capsys):
    out, metrics = perfect
    assert run(toy_config, out, '--metrics', metrics) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ['figure', 'reported', 'recomputed'],
        ['mIoU', '100.00', '100.0000'],
        ['aAcc', '100.00', '100.0000'],
        ['pixel_precision', '96.88', '96.8750'],
        *([f'IoU.{name}', '100.00', '100.0000'] for name in ('road', 'car', 'sky')),
        ['0', 'of', '6', 'figures', 'differ,', '3', 'images'],
    ]


def test_a_changed_prediction(toy_config, perfect, run, capsys):
    out, metrics = perfect
    changed = np.array(Image.open(out / '1.png'))
    changed[0, 0], changed[16, 0] = 2, (changed[16, 0] + 1) % 3
    Image.fromarray(changed).save(out / '1.png')
    assert run(toy_config, out, '--metrics', metrics) == 1
    lines = capsys.readouterr().out.splitlines()
    marked = [line.split()[0] for line in lines if line.endswith('  differs')]
    # One pixel is another class's now, and the third has nothing to do with it.
    assert len(marked) == 5
    assert {'mIoU', 'aAcc', 'pixel_precision'} < set(marked)
    assert lines[-1] == '5 of 6 figures differ, 3 images'


def test_without_metrics_the_figures_are_printed(toy_config, perfect, run, capsys):
    assert run(toy_config, perfect[0]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 6
    assert lines[2:4] == [['pixel_precision', '96.8750'], ['IoU.road', '100.0000']]


def test_missing_files_are_named(toy_config, tmp_path, run, capsys):
    assert run(tmp_path / 'gone.py', tmp_path) == 2
    assert 'recheck_predictions.py: there is no config' in capsys.readouterr().err
    assert run(toy_config, tmp_path) == 2
    assert '0.png: does not exist' in capsys.readouterr().err
    options = ['--cfg-options', 'test_dataloader.dataset.data_root=gone']
    assert run(toy_config, tmp_path, *options) == 2
    assert 'the data of test_dataloader are not there' in capsys.readouterr().err
