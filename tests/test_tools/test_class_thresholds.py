import json
import runpy
from pathlib import Path

import pytest
import torch

TOOL = Path(__file__).parents[2] / 'tools/benchmark/class_thresholds.py'


@pytest.fixture(autouse=True)
def threads(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOL.parent))
    count = torch.get_num_threads()
    yield
    torch.set_num_threads(count)


def test_row(monkeypatch, capsys, tmp_path):
    out = tmp_path / 'rows.jsonl'
    arguments = ['--size', '96x64', '--images', '10', '--repeats', '1', '--out', out]
    monkeypatch.setattr('sys.argv', [str(TOOL), *map(str, arguments)])
    runpy.run_path(str(TOOL))['main']()
    row = json.loads(out.read_text())
    assert row == json.loads(capsys.readouterr().out.splitlines()[-1])
    assert row['largest_error'] <= 1e-5
    assert max(row['growth_mib'].values()) < 50
    assert {'ours', 'straightforward'} <= row['of_image'].keys()


def test_other_labels_stop_it(monkeypatch):
    tool = runpy.run_path(str(TOOL))
    others = lambda *prediction: prediction[1].numpy()  # noqa: E731
    monkeypatch.setitem(tool['main'].__globals__, 'labels_straightforward', others)
    monkeypatch.setattr('sys.argv', [str(TOOL), '--size', '96x64', '--images', '1'])
    with pytest.raises(SystemExit, match='labels of seed 0 differ'):
        tool['main']()
