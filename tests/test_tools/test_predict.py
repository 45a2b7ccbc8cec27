"""The page on predicting, as it is printed, and what the command refuses."""

import json
import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from segda_mm.apis import export_onnx
from segda_mm.registry import MODELS
from segda_mm.testing.toy_job import write_toy_job

PAGE = Path(__file__).parents[2] / 'docs/predict.md'


@pytest.fixture
def story(tmp_path, monkeypatch):
    """A folder with what the page names."""
    monkeypatch.chdir(tmp_path)
    cfg = Config.fromfile(write_toy_job(tmp_path / 'toy'))
    init_default_scope('mmseg')
    run = tmp_path / 'work_dirs/my/mpl'
    run.mkdir(parents=True)
    cfg.dump(run / 'my.py')
    cfg.dump('my.py')
    state = MODELS.build(cfg.model).state_dict()
    torch.save(dict(state_dict=state), run / 'epoch_20.pth')
    export_onnx(cfg, run / 'epoch_20.pth', 'net.onnx', size=(64, 32))
    (tmp_path / 'toy/data/images/val').rename('my_target')
    video = cv2.VideoWriter('drive.mp4', cv2.VideoWriter_fourcc(*'mp4v'), 10, (64, 32))
    for brightness in (50, 150, 250):
        video.write(np.full((32, 64, 3), brightness, np.uint8))
    video.release()
    table = dict(street=[1, 2, 3], auto=[4, 5, 6], air=[7, 8, 9])
    Path('table.json').write_text(json.dumps(table))


def test_the_page(story, run_command, capsys):
    text = PAGE.read_text()
    commands = re.search(r'```bash\n(.*?)```', text, re.DOTALL)[1].splitlines()
    assert len(commands) == 5
    for command in commands:
        _, *words = shlex.split(command)
        if words[0] == 'export':
            # The toy's pipeline has no size of its own; the story has the graph.
            continue
        assert run_command(*words) == 0, command
    assert '3 pictures predicted: fast.mp4' in capsys.readouterr().out
    for video in ('overlay.mp4', 'fast.mp4'):
        assert cv2.VideoCapture(video).get(cv2.CAP_PROP_FRAME_COUNT) == 3
    assert len(list(Path('predicted').glob('*/[0-2].png'))) == 9
    assert len(list(Path('averaged').glob('overlay/*.png'))) == 3
    exec(re.search(r'```python\n(.*?)```', text, re.DOTALL)[1], {})
    assert 'drive/000002 0.2 (32, 64)' in capsys.readouterr().out


def test_what_is_wrong_is_a_sentence(story, run_command, capsys):
    Path('text.mp4').write_text('no video')
    Path('list.json').write_text('[1, 2]')
    for words, message in (
        (('runs/gone', 'drive.mp4'), 'there is no run, checkpoint or graph runs/gone'),
        (('net.onnx', 'gone.mp4'), 'there is no video gone.mp4'),
        (('net.onnx', 'text.mp4'), 'text.mp4: has no frame that OpenCV can decode'),
        (('net.onnx', 'drive.mp4', '--classes', 'gone.json'), 'is no JSON of names'),
        (('net.onnx', 'drive.mp4', '--classes', 'text.mp4'), 'is no JSON of names'),
        (('net.onnx', 'drive.mp4', '--classes', 'list.json'), 'must map names to RGB'),
        (('net.onnx', 'drive.mp4', '--save', 'mask'), 'nothing called mask'),
        (('net.onnx', 'drive.mp4', '--tta'), 'sees whole pictures'),
    ):
        assert run_command('predict', *words, '--out', 'out') == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.startswith('segda predict: ')
    assert not Path('out').exists()
