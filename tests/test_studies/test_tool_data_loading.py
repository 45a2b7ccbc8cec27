import json
import runpy
from pathlib import Path

import cv2
import pytest
import torch

from segda_mm.minicity import write_cityscapes, write_gta5

TOOL = Path(__file__).parents[2] / 'studies/benchmarks/data_loading.py'


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOL.parent))
    counts = torch.get_num_threads(), cv2.getNumThreads()
    yield runpy.run_path(str(TOOL))
    torch.set_num_threads(counts[0])
    cv2.setNumThreads(counts[1])


def test_row(tool, monkeypatch, capsys, tmp_path):
    write_gta5(tmp_path / 'gta5', 2, size=(128, 64))
    write_cityscapes(tmp_path / 'cityscapes', train=1, val=0, size=(128, 64))
    config = TOOL.parents[2] / 'configs/mpl_bisenet_gta2cs.py'
    arguments = [config, '--data-root', tmp_path, '--repeats', 1, '--batches', 1]
    arguments += ['--workers', 0, 2, '--step-ms', 1e-3]
    monkeypatch.setattr('sys.argv', [str(TOOL), *map(str, arguments)])
    # Two workers would cost more than all the rest.
    loaded = []
    monkeypatch.setitem(
        tool['main'].__globals__,
        'samples_a_second',
        lambda *call: loaded.append(call[-1]) or 1.0,
    )
    tool['main']()
    row = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert loaded == [0, 2]
    source, target = row['transforms']['source'], row['transforms']['target']
    assert {'1. LoadImageFromFile', '2. LoadLabelIds'} < source.keys()
    assert not any('Label' in name for name in target)
    # Two images, and one.
    assert source['3. Resize']['runs'] == 2
    assert target['2. Resize']['runs'] == 1
    assert row['verdict']['keeps_up'] is False


def test_verdict(tool):
    timings = {
        'source': {
            '1. Load': dict(median=30.0),
            '2. Resize': dict(median=9.0),
            'whole sample': dict(median=40.0),
            'bound: decoding the image': dict(median=29.0),
        },
        'target': {
            '1. Load': dict(median=39.0),
            'whole sample': dict(median=40.0),
        },
    }
    answer = tool['verdict'](timings, batch_size=4, workers=4, step_ms=100)
    assert (answer['sample_ms'], answer['batch_ms']) == (80, 80)
    assert answer['keeps_up']
    assert answer['workers_needed'] == 4
    assert (answer['slowest'], answer['slowest_share']) == ('target 1. Load', 0.487)


def test_loader(tool):
    speed = tool['samples_a_second']([dict(inputs=0)] * 3, 2, 2, 0)
    assert speed > 0
