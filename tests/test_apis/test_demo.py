"""The demo's bookkeeping; the programs it starts are played by a stand-in."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from segda_mm.apis import demo
from segda_mm.apis.demo import DemoStage, markdown_table, run_demo, shorten
from segda_mm.errors import DemoError, FolderInUseError
from segda_mm.files import RunFolderLock


class Programs:
    """Writes what train.py and test.py would, and remembers the commands."""

    def __init__(self):
        self.commands = []
        self.fail_at = None

    def __call__(self, command, log, label, say):
        if '--work-dir' not in command:
            return
        self.commands.append(command)
        work_dir = Path(command[command.index('--work-dir') + 1])
        if command[0] == 'tools/train.py':
            work_dir.mkdir(exist_ok=True)
            torch.save({}, work_dir / 'epoch_1.pth')
        if self.fail_at == (command[0], work_dir.name):
            raise DemoError('killed')
        if command[0] == 'tools/test.py':
            metrics = dict(mIoU=40.0, aAcc=80.0, pixel_precision=70.0)
            content = dict(checkpoint=command[2], metrics=metrics)
            (work_dir / 'epoch_1_metrics.json').write_text(json.dumps(content))
            (work_dir / 'predictions').mkdir()
            for index in range(3):
                path = work_dir / 'predictions' / f'{index}.png'
                Image.fromarray(np.zeros((32, 64), np.uint8)).save(path)

    def names(self):
        return [
            (Path(words[0]).stem, Path(words[words.index('--work-dir') + 1]).name)
            for words in self.commands
        ]


@pytest.fixture
def programs(monkeypatch):
    programs = Programs()
    monkeypatch.setattr(demo, '_run', programs)
    return programs


@pytest.fixture
def stages(toy_config):
    toy = str(toy_config)
    return [
        DemoStage('source', 'source only', toy, epochs=2),
        DemoStage('child', 'child', toy, 1, 'source', ('model.init_cfg.checkpoint',)),
    ]


ALL = [('train', 'source'), ('test', 'source'), ('train', 'child'), ('test', 'child')]


def test_stages_results_table_and_picture(programs, stages, tmp_path):
    out, lines = tmp_path / 'out', []
    results = run_demo(out, epochs=1, stages=stages, say=lines.append)
    assert programs.names() == ALL
    assert [row['name'] for row in results['stages']] == ['source', 'child']
    assert results['stages'][0]['metrics']['mIoU'] == 40.0
    assert json.loads((out / 'results.json').read_text()) == results
    assert (out / 'results.md').read_text() in lines[-1]
    # Three validation images make three of the rows.
    width, height = Image.open(out / 'comparison.png').size
    assert width > height > 300

    source, child = (c for c in programs.commands if c[0] == 'tools/train.py')
    checkpoint = f'model.init_cfg.checkpoint={out / "source" / "epoch_1.pth"}'
    assert checkpoint in child and checkpoint not in source
    # Both the training and its schedule are shortened.
    assert {'train_cfg.max_epochs=1', 'param_scheduler.0.end=1'} <= set(source)

    with pytest.raises(DemoError, match='out/source is of another demo, or of other'):
        run_demo(out, epochs=2, stages=stages, say=lines.append)


def test_a_killed_demo_goes_on_from_the_checkpoint(
    programs, stages, tmp_path, monkeypatch
):
    out = tmp_path / 'out'
    programs.fail_at = ('tools/train.py', 'child')
    with pytest.raises(DemoError):
        run_demo(out, stages=stages, say=lambda line: None)
    programs.commands.clear()
    programs.fail_at = None
    results = run_demo(out, stages=stages, say=lambda line: None)
    assert programs.names() == ALL[2:]
    assert '--resume' in next(c for c in programs.commands if 'train' in c[0])
    # The time of a cut training is not known.
    assert results['stages'][1]['train_seconds'] is None

    def taken(lock):
        raise FolderInUseError(f'{lock.folder} is in use by process 7')

    monkeypatch.setattr(RunFolderLock, 'acquire', taken)
    with pytest.raises(DemoError, match='another demo is at work: .* process 7'):
        run_demo(out, stages=stages, say=lambda line: None)


def test_a_program_is_logged_and_its_failure_told(tmp_path):
    log, lines = tmp_path / 'new' / 'train.log', []
    failing = 'import sys; print("no space left"); sys.exit(3)'
    with pytest.raises(DemoError, match=r'status 3(.|\n)*no space left'):
        demo._run(['-c', failing], log, 'MPL', lines.append)
    assert lines == [f'MPL: {log}\n    $ python -c {failing}']
    assert log.read_text() == 'no space left\n'


def test_table():
    figures = dict(mIoU=31.456, aAcc=80.0, pixel_precision=70.123)
    rows = [dict(title='source only', metrics=figures, train_seconds=90.0)]
    rows += [dict(title='MPL', metrics=figures, train_seconds=None)]
    lines = [line.split('|') for line in markdown_table(rows).splitlines()]
    cells = [[cell.strip() for cell in line[1:-1]] for line in lines]
    assert cells[0] == ['method', 'mIoU', 'aAcc', 'precision per pixel', 'training']
    assert cells[2] == ['source only', '31.46', '80.00', '70.12', '1.5 min']
    assert cells[3] == ['MPL', '31.46', '80.00', '70.12', 'resumed']


def test_schedules_and_ramps_end_with_the_training():
    def poly(end):
        return dict(type='PolyLR', begin=0, end=end)

    cfg = Config(
        dict(
            model=dict(feedback_rule=dict(growth_epochs=40, full_after_epoch=25)),
            train_cfg=dict(max_epochs=50),
            param_scheduler=dict(generator=[poly(51), poly(5)], discriminator=poly(50)),
        )
    )
    assert shorten(cfg, 10) == {
        'train_cfg.max_epochs': 10,
        'param_scheduler.generator.0.end': 11,
        'param_scheduler.discriminator.end': 10,
        'model.feedback_rule.growth_epochs': 8,
        'model.feedback_rule.full_after_epoch': 5,
    }
