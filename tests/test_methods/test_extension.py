"""The method that CONTRIBUTING.md adds to ours, by numbers and in a training."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from segda_mm.testing.tiny_methods import write_tiny_world

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path):
    """A folder with this one's configs, the example's files and tiny data."""
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    text = (ROOT / 'CONTRIBUTING.md').read_text('utf-8')
    for name in ('my_plugin/feature_distance.py', 'my_configs/feature-distance.py'):
        (block,) = re.findall(rf'```python\n(# {name}\n.*?)```', text, re.S)
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(block, 'utf-8')
    write_tiny_world(tmp_path / 'world')
    return tmp_path


PROGRAM = """
import torch
from segda_mm.apis import train
from segda_mm.testing.tiny_methods import tiny_method_config
cfg = tiny_method_config('my_configs/feature-distance.py', '.', 'world')

# The tiny network's own ResNet alone is its backbone, as in the example.
segmentor = cfg.model.generator.segmentor
segmentor.backbone = segmentor.backbone.backbone_cfg
segmentor.decode_head.update(in_channels=64, in_index=3)
segmentor.auxiliary_head = None
# No car fills a cell of images so small, but the road does.
cfg.model.thing_classes = [0]
cfg.train_cfg.max_epochs = 1
cfg.work_dir = 'run'
runner = train(cfg)
model, scalars = runner.model, runner.message_hub.log_scalars
distances, _ = scalars['train/student_generator.feature_distance.loss'].data
assert len(distances) == 4 and (distances > 0).any(), distances

# One image of 64x64, in cells of 32x32: road fills the first, and half of the next.
labels = torch.full((1, 64, 64), 255)
labels[:, :32, :48] = 0
cells = model.thing_cells(labels, (2, 2))
assert cells.tolist() == [[[True, False], [False, False]]], cells

saved = torch.load('run/iter_4.pth', weights_only=True)['state_dict']
first = torch.load('run/iter_3.pth', weights_only=True)['state_dict']
key = 'layer4.1.conv2.weight'
assert torch.equal(saved[f'imagenet.{key}'], first[f'imagenet.{key}'])
student = f'student_generator.segmentor.backbone.{key}'
assert not torch.equal(saved[student], first[student])
model.train()
assert not model.imagenet.training and model.student_generator.training
"""


def test_the_example_of_a_method_trains(project):
    result = subprocess.run(
        [sys.executable, '-c', PROGRAM],
        cwd=project,
        env={
            **os.environ,
            'PYTHONPATH': f'{project}:{ROOT}',
            'OMP_NUM_THREADS': '1',
        },
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-3000:]
