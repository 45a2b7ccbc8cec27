"""The program for a GPU, at sizes of a CPU: that it runs, and that it can fail."""

import json

import pytest
import torch

from studies import gpu_check


def test_a_part_prints_its_table_and_stores_a_line(tmp_path, capsys, monkeypatch):
    out = tmp_path / 'gpu.jsonl'
    words = ['predictions', '--device', 'cpu', '--small', '--out', str(out)]
    assert gpu_check.main(words) == 0
    (line,) = map(json.loads, out.read_text().splitlines())
    assert line['part'] == 'predictions' and 'commit' in line
    assert [row['same_pixels'] for row in line['rows']] == [1, 1]
    assert 'test-time augmentation' in capsys.readouterr().out
    fails = dict(predictions=lambda device, small: [dict(holds=False)])
    monkeypatch.setattr(gpu_check, 'PARTS', fails)
    assert gpu_check.main(words[:4]) == 1


def test_what_it_cannot_do_is_said(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    for words, message in (
        (['losses'], 'finds no GPU; --device cpu --small'),
        (['speed', '--device', 'cpu'], "no part 'speed'; there are losses, training"),
    ):
        with pytest.raises(SystemExit):
            gpu_check.main(words)
        assert message in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize('part', ['losses', 'training', 'resume', 'processes'])
def test_every_part_holds_on_a_cpu(part):
    assert gpu_check.main([part, '--device', 'cpu', '--small']) == 0
