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
        self.commands.append(command)
        if '--work-dir' not in command:
            return
        work_dir = Path(command[command.index('--work-dir') + 1])
        if command[0] == 'tools/train.py':
            torch.save({}, work_dir / 'epoch_1.pth')
        if self.fail_at == (command[0], work_dir.name):
            raise DemoError('killed')
        if command[0] == 'tools/test.py':
            name = 'epoch_1_metrics.json'
            metrics = dict(mIoU=40.0, aAcc=80.0, pixel_precision=70.0)
            content = dict(checkpoint=command[2], metrics=metrics)
            (work_dir / name).write_text(json.dumps(content))
            for index in range(3):
                path = work_dir / 'predictions' / f'{index}.png'
                path.parent.mkdir(exist_ok=True)
                Image.fromarray(np.zeros((32, 64), np.uint8)).save(path)

    def names(self):
        return [
            (Path(words[0]).stem, Path(words[words.index('--work-dir') + 1]).name)
            for words in self.commands
            if '--work-dir' in words
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


def test_results_table_and_picture(programs, stages, tmp_path):
    out = tmp_path / 'out'
    lines = []
    results = run_demo(out, stages=stages, say=lines.append)
    assert programs.names() == ALL
    assert [row['name'] for row in results['stages']] == ['source', 'child']
    assert results['stages'][0]['metrics']['mIoU'] == 40.0
    assert json.loads((out / 'results.json').read_text()) == results
    table = (out / 'results.md').read_text()
    assert table in lines[-1]
    # Three validation images make three of the rows.
    width, height = Image.open(out / 'comparison.png').size
    assert width > height > 300


def test_child_starts_from_the_parents_checkpoint(programs, stages, tmp_path):
    run_demo(tmp_path / 'out', epochs=1, stages=stages, say=lambda line: None)
    source, child = (c for c in programs.commands if c[0] == 'tools/train.py')
    checkpoint = tmp_path / 'out' / 'source' / 'epoch_1.pth'
    assert f'model.init_cfg.checkpoint={checkpoint}' in child
    assert not any('checkpoint=' in word for word in source)
    # Both the training and its schedule are shortened.
    assert {'train_cfg.max_epochs=1', 'param_scheduler.0.end=1'} <= set(source)


def test_done_stages_are_not_repeated(programs, stages, tmp_path):
    first = run_demo(tmp_path / 'out', stages=stages, say=lambda line: None)
    programs.commands.clear()
    again = run_demo(tmp_path / 'out', stages=stages, say=lambda line: None)
    assert programs.names() == []
    assert again == first


def test_other_settings_do_a_stage_and_its_children_anew(programs, stages, tmp_path):
    run_demo(tmp_path / 'out', stages=stages, say=lambda line: None)
    programs.commands.clear()
    config = Path(stages[0].config)
    changed = config.with_name('changed.py')
    changed.write_text(config.read_text().replace('lr=0.01', 'lr=0.02'))
    stages[0] = DemoStage('source', 'source only', str(changed), epochs=2)
    run_demo(tmp_path / 'out', stages=stages, say=lambda line: None)
    assert programs.names() == ALL
    assert not any('--resume' in command for command in programs.commands)


def test_a_killed_demo_goes_on_from_the_checkpoint(programs, stages, tmp_path):
    programs.fail_at = ('tools/train.py', 'child')
    with pytest.raises(DemoError):
        run_demo(tmp_path / 'out', stages=stages, say=lambda line: None)
    programs.commands.clear()
    programs.fail_at = None
    results = run_demo(tmp_path / 'out', stages=stages, say=lambda line: None)
    assert programs.names() == ALL[2:]
    assert '--resume' in next(c for c in programs.commands if 'train' in c[0])
    # The time of a cut training is not known.
    assert results['stages'][1]['train_seconds'] is None


def test_a_folder_that_is_not_the_demos_is_left_alone(programs, stages, tmp_path):
    precious = tmp_path / 'out' / 'source' / 'thesis.txt'
    precious.parent.mkdir(parents=True)
    precious.touch()
    with pytest.raises(DemoError, match='not made by the demo'):
        run_demo(tmp_path / 'out', stages=stages, say=lambda line: None)
    assert precious.exists()


def test_one_demo_at_a_time(programs, stages, tmp_path, monkeypatch):
    def taken(lock):
        raise FolderInUseError(f'{lock.folder} is in use by process 7')

    monkeypatch.setattr(RunFolderLock, 'acquire', taken)
    with pytest.raises(DemoError, match='another demo is at work: .* process 7'):
        run_demo(tmp_path / 'out', stages=stages, say=lambda line: None)


def test_a_program_is_logged_and_its_failure_told(tmp_path):
    log, lines = tmp_path / 'new' / 'train.log', []
    demo._run(['-c', 'print("trained")'], log, 'MPL', lines.append)
    assert lines == [f'MPL: {log}\n    $ python -c print("trained")']
    assert log.read_text() == 'trained\n'
    failing = 'import sys; print("no space left"); sys.exit(3)'
    with pytest.raises(DemoError, match=r'status 3(.|\n)*no space left'):
        demo._run(['-c', failing], log, 'MPL', lines.append)


def test_table():
    figures = dict(mIoU=31.456, aAcc=80.0, pixel_precision=70.123)
    rows = [
        dict(title='source only', metrics=figures, train_seconds=90.0),
        dict(title='MPL', metrics=figures, train_seconds=None),
    ]
    lines = [line.split('|') for line in markdown_table(rows).splitlines()]
    cells = [[cell.strip() for cell in line[1:-1]] for line in lines]
    assert cells[0] == ['method', 'mIoU', 'aAcc', 'precision per pixel', 'training']
    assert cells[2] == ['source only', '31.46', '80.00', '70.12', '1.5 min']
    assert cells[3] == ['MPL', '31.46', '80.00', '70.12', 'resumed']


def poly(end):
    return dict(type='PolyLR', begin=0, end=end)


def test_schedules_end_with_the_training():
    cfg = Config(
        dict(
            model=dict(type='EncoderDecoder'),
            train_cfg=dict(max_epochs=50),
            param_scheduler=[dict(type='LinearLR', end=5), poly(50)],
        )
    )
    options = shorten(cfg, 4)
    assert options == {'train_cfg.max_epochs': 4, 'param_scheduler.1.end': 4}
    cfg.merge_from_dict(options)
    assert [scheduler.end for scheduler in cfg.param_scheduler] == [5, 4]


def test_one_schedule_per_network_and_the_feedbacks_ramp():
    cfg = Config(
        dict(
            model=dict(feedback_rule=dict(growth_epochs=40, full_after_epoch=25)),
            train_cfg=dict(max_epochs=50),
            param_scheduler=dict(generator=[poly(51)], discriminator=poly(50)),
        )
    )
    assert shorten(cfg, 10) == {
        'train_cfg.max_epochs': 10,
        'param_scheduler.generator.0.end': 11,
        'param_scheduler.discriminator.end': 10,
        'model.feedback_rule.growth_epochs': 8,
        'model.feedback_rule.full_after_epoch': 5,
    }
