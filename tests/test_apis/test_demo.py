"""The demo's bookkeeping; training and evaluation are played by stand-ins."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from segda_mm.apis import PreflightError, demo, load_config
from segda_mm.apis.demo import DemoStage, markdown_table, run_demo


class Jobs:
    """Writes what a training and an evaluation would, and remembers the calls."""

    def __init__(self):
        self.done, self.configs, self.fail_at = [], {}, None

    def train(self, cfg, resume):
        folder = Path(cfg.work_dir)
        folder.mkdir(exist_ok=True)
        self.done.append(('train', folder.name, resume))
        self.configs[folder.name] = cfg
        torch.save({}, folder / 'epoch_1.pth')
        if folder.name == self.fail_at:
            raise KeyboardInterrupt
        return SimpleNamespace(iter=10)

    def report(self, runs, out, titles, shown):
        self.reported = [run.name for run in runs], titles, shown
        return out

    def evaluate(self, cfg, checkpoint, out, confusion):
        self.done.append(('test', out.parent.name, checkpoint.name))
        out.mkdir()
        for index in range(3):
            labels = np.zeros((32, 64), np.uint8)
            Image.fromarray(labels).save(out / f'{index}.png')
        return dict(metrics=dict(mIoU=40.0, aAcc=80.0, pixel_precision=70.0))


@pytest.fixture
def jobs(monkeypatch):
    jobs = Jobs()
    monkeypatch.setattr(demo, 'train', jobs.train)
    monkeypatch.setattr(demo, 'evaluate', jobs.evaluate)
    monkeypatch.setattr(demo, 'report', jobs.report)
    monkeypatch.setattr(demo, 'WORLD', 'segda --version')
    return jobs


@pytest.fixture
def stages(toy_config):
    toy = str(toy_config)
    return [
        DemoStage('source', 'source only', toy, epochs=2),
        DemoStage('child', 'child', toy, 1, 'source', ('model.init_cfg.checkpoint',)),
    ]


def done(name, resume=None):
    return [('train', name, resume), ('test', name, 'epoch_1.pth')]


def test_stages_results_table_and_picture(jobs, stages, tmp_path, capsys):
    out = tmp_path / 'out'
    results = run_demo(out, epochs=1, stages=stages)
    assert jobs.done == done('source') + done('child')
    assert [row['name'] for row in results['stages']] == ['source', 'child']
    assert results['stages'][0]['metrics']['mIoU'] == 40.0
    assert [row['steps'] for row in results['stages']] == [10, 20]
    assert json.loads((out / 'results.json').read_text()) == results
    assert (out / 'results.md').read_text() in capsys.readouterr().out
    # Three validation images make three of the rows.
    width, height = Image.open(out / 'comparison.png').size
    assert width > height > 300

    titles = ['source only', 'child']
    assert jobs.reported == (['source', 'child'], titles, ('source only',) * 2)
    checkpoint = str(out / 'source' / 'epoch_1.pth')
    assert jobs.configs['child'].model.init_cfg.checkpoint == checkpoint
    # Both the training and its schedule are shortened.
    source = jobs.configs['source']
    assert (source.train_cfg.max_epochs, source.param_scheduler[0].end) == (1, 1)
    with pytest.raises(PreflightError, match='out/source is of another demo, or of'):
        run_demo(out, epochs=2, stages=stages)


def test_a_killed_demo_goes_on_from_the_checkpoint(jobs, stages, tmp_path):
    out = tmp_path / 'out'
    jobs.fail_at = 'child'
    with pytest.raises(KeyboardInterrupt):
        run_demo(out, stages=stages)
    jobs.done, jobs.fail_at = [], None
    results = run_demo(out, stages=stages)
    assert jobs.done == done('child', 'auto')
    # The time of a cut training is not known.
    assert results['stages'][1]['train_seconds'] is None


def test_table():
    figures = dict(mIoU=31.456, aAcc=80.0, pixel_precision=70.123)
    rows = [dict(title='source only', metrics=figures, steps=7, train_seconds=90.0)]
    rows += [dict(title='MPL', metrics=figures, steps=9, train_seconds=None)]
    lines = [line.split('|') for line in markdown_table(rows).splitlines()]
    cells = [[cell.strip() for cell in line[1:-1]] for line in lines]
    assert cells[0] == [
        'method',
        'mIoU',
        'aAcc',
        'precision per pixel',
        'steps',
        'training',
    ]
    assert cells[2] == ['source only', '31.46', '80.00', '70.12', '7', '1.5 min']
    assert cells[3] == ['MPL', '31.46', '80.00', '70.12', '9', 'resumed']


@pytest.mark.parametrize('stage', demo.STAGES, ids=lambda stage: stage.name)
def test_the_demo_leaves_the_world_of_the_configs_alone(stage):
    cfg = load_config(stage.config)
    small = load_config(stage.config, demo._in_small_world(cfg))
    parts = ('train_dataloader', 'val_dataloader', 'test_dataloader', 'custom_hooks')
    for part in parts:
        given, text = repr(cfg[part]), repr(small[part])
        assert text == given.replace('data/minicity/', 'data/minicity-demo/')
    assert 'data/minicity-demo/' in repr(small.train_dataloader)
