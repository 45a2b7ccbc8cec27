import runpy
import sys
from pathlib import Path

import timm
import torch

TOOL = Path(__file__).parents[2] / 'tools/model_converters/timm_xception71.py'


def run_main(monkeypatch, *words):
    monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, words)])
    return runpy.run_path(str(TOOL))['main']()


def test_a_checkpoint_is_converted_or_refused(tmp_path, monkeypatch, capsys):
    source, out = tmp_path / 'timm.pth', tmp_path / 'new' / 'out.pth'
    assert run_main(monkeypatch, source, out) == 2
    assert str(source) in capsys.readouterr().err

    state = timm.create_model('xception71', num_classes=0).state_dict()
    torch.save(state, source)
    assert run_main(monkeypatch, source, out) == 0
    assert capsys.readouterr().out == f'{out}\n'
    converted = torch.load(out, weights_only=True)['state_dict']
    assert len(converted) == len(state)
    assert all(name.startswith('backbone.') for name in converted)
    assert [path.name for path in out.parent.iterdir()] == ['out.pth']

    state.popitem()
    torch.save(state, source)
    assert run_main(monkeypatch, source, out) == 2
    assert 'is missing' in capsys.readouterr().err
