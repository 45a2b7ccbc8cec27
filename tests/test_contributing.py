"""What CONTRIBUTING.md tells is so, and its examples work as they stand there."""

import re
import runpy
import shutil
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segda_mm.models import PixelCrossEntropyLoss
from segda_mm.testing.tiny_methods import tiny_method_config, write_tiny_world

ROOT = Path(__file__).parents[1]
CONTRIBUTING = (ROOT / 'CONTRIBUTING.md').read_text('utf-8')


@pytest.fixture
def examples(tmp_path):
    """A project that holds this one's configs and the examples' files."""
    shutil.copytree(ROOT / 'configs', tmp_path / 'configs')
    for block in re.findall(r'```python\n(.*?)```', CONTRIBUTING, re.S):
        file = tmp_path / re.match(r'# (\S+)\n', block)[1]
        file.parent.mkdir(exist_ok=True)
        file.write_text(block, 'utf-8')
    return tmp_path


def run(examples, program):
    """In a process of its own: the examples register into this one's."""
    result = subprocess.run(
        [sys.executable, '-c', program],
        cwd=examples,
        env={
            'PYTHONPATH': f'{examples}:{ROOT}',
            'PATH': '/usr/bin:/bin',
            'OMP_NUM_THREADS': '1',
        },
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()[-1]


STEP = """
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
cfg = Config.fromfile({config!r})
init_default_scope('mmseg')
from segda_mm.registry import MODELS
from segda_mm.testing import domain_batch, tiny_bisenet, tiny_optim_wrapper
cfg.model.generator.segmentor = tiny_bisenet(num_classes=19)
if 'teacher_checkpoint' in cfg.model:
    cfg.model.teacher_checkpoint = cfg.model.student_checkpoint = None
model = MODELS.build(cfg.model)
names = [name for name, _ in model.named_children()
         if name.endswith(('generator', 'discriminator'))]
log = model.train_step(domain_batch(), tiny_optim_wrapper(model, *names))
"""


def test_a_discriminator_of_ones_own(examples):
    program = STEP.format(config='my_configs/adversarial-pixel.py') + (
        'layers = model.discriminator.layers\n'
        'print(type(model.discriminator).__name__, layers[0].out_channels,'
        ' bool(log["discriminator.loss"].isfinite()))'
    )
    assert run(examples, program) == 'PixelDiscriminator 8 True'


def test_a_feedback_rule_of_ones_own(examples):
    program = STEP.format(config='my_configs/mpl-sign.py') + (
        'print(round(abs(float(log["mpl.h"])), 3),'
        ' bool(log["mpl.gain"] * log["mpl.h"] > 0))'
    )
    assert run(examples, program) == '0.1 True'


def test_a_method_of_ones_own(examples):
    """Its own file and config are all that `segda train` needs."""
    write_tiny_world(examples / 'world')
    program = f"""
import json, runpy, sys
from pathlib import Path
from segda_mm.testing.tiny_methods import tiny_method_config
cfg = tiny_method_config('my_configs/certain-mean-teacher.py', '.', 'world')
cfg.train_cfg.max_epochs = 1
cfg.default_hooks.logger.interval = 1
cfg.work_dir = 'run'
cfg.dump('tiny.py')
sys.argv = ['train.py', 'tiny.py']
try:
    runpy.run_path({str(ROOT / 'tools/train.py')!r}, run_name='__main__')
except SystemExit as end:
    assert end.code == 0, end.code
(scalars,) = Path('run').glob('*/vis_data/scalars.json')
lines = [json.loads(line) for line in scalars.read_text().splitlines()]
key = 'student_generator.{{}}.loss'
for line in lines:
    if key.format('entropy') in line:
        rest = line[key.format('source')] + line[key.format('target')]
        entropy = line[key.format('entropy')]
        print(entropy > 0, abs(rest + 0.005 * entropy - line['loss']) < 1e-4)
"""
    assert run(examples, program) == 'True True'


def test_a_data_set_of_ones_own(examples):
    for folder in ('toy_streets/images', 'toy_streets/labels', 'my_street'):
        (examples / folder).mkdir(parents=True)
    pixels = np.zeros((4, 6), np.uint8)
    pixels[2:], pixels[0] = 7, 9
    for name in ('a.png', 'b.png'):
        image = Image.fromarray(np.full((4, 6, 3), 100, np.uint8))
        image.save(examples / 'toy_streets/images' / name)
        image.save(examples / 'my_street' / name)
        Image.fromarray(pixels).save(examples / 'toy_streets/labels' / name)
    program = """
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
cfg = Config.fromfile('my_configs/toy_streets.py')
init_default_scope('mmseg')
batch = next(iter(Runner.build_dataloader(cfg.train_dataloader)))
label = batch['source']['data_samples'][0].gt_sem_seg.data[0]
print(label[:, 0].tolist(), len(batch['target']['inputs']),
      'gt_sem_seg' in batch['target']['data_samples'][0])
"""
    assert run(examples, program) == '[1, 255, 0, 0] 2 False'


def test_a_training_step_takes_the_way_that_is_told(tmp_path, monkeypatch):
    """The table of names and files, against the calls below a loss."""
    rows = re.findall(r'^\| `([\w.]+)` \| `(\S+\.py)` \|$', CONTRIBUTING, re.M)
    assert len({file for _, file in rows}) == len(rows) == 8
    write_tiny_world(tmp_path / 'world')
    cfg = tiny_method_config('mpl', ROOT / 'configs', tmp_path / 'world')
    loss = dict(type='PixelCrossEntropyLoss', loss_weight=1.0)
    cfg.model.generator.segmentor.decode_head.loss_decode = loss
    cfg.work_dir = str(tmp_path / 'run')
    cfg.dump(tmp_path / 'mpl.py')

    class Arrived(BaseException):
        pass

    def name(frame):
        owner = frame.f_locals.get('self')
        prefix = '' if owner is None else f'{type(owner).__name__}.'
        return prefix + frame.f_code.co_name, frame.f_code.co_filename

    def arrive(self, *args, **kwargs):
        way = [name(frame) for frame, _ in traceback.walk_stack(None)][::-1]
        # The first batch is tried before the loop begins.
        if {'MPLTrainLoop.run_iter', 'adversarial_step'} <= {
            called for called, _ in way
        }:
            raise Arrived(way)
        return plain(self, *args, **kwargs)

    plain = PixelCrossEntropyLoss.forward
    own_file = Path(plain.__code__.co_filename).relative_to(ROOT)
    monkeypatch.setattr(PixelCrossEntropyLoss, 'forward', arrive)
    monkeypatch.setattr(sys, 'argv', ['train.py', str(tmp_path / 'mpl.py')])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Arrived) as caught:
        runpy.run_path(str(ROOT / 'tools/train.py'), run_name='__main__')
    (way,) = caught.value.args
    # The loss itself is what was put in its place here.
    assert rows.pop() == ('PixelCrossEntropyLoss.forward', str(own_file))
    places = [way.index((called, str(ROOT / file))) for called, file in rows]
    assert places == sorted(places)
