"""The orchestrator: from a study's file to lines of results."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from studies import run
from studies.progress import Runs
from studies.study import Row, load_study

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'studies' / 'run.py'

STUDY = """
from studies.study import Row, Study
CONFIG = {config!r}
study = Study(
    'Toy streets', 'Toys.', (4,),
    changes=[{{'train_cfg.max_epochs': 3, 'param_scheduler.0.end': 4}}],
    rows=[
        Row('first', CONFIG, [{{'optim_wrapper.optimizer.lr': 0.02}}]),
        Row('second', CONFIG, start={{'first': ['load_from']}}),
        Row('again', of='first', tta=True),
    ],
)
"""


@pytest.fixture
def places(world):
    file = world.folder / 'toy_streets.py'
    file.write_text(STUDY.format(config=world.config))
    flags = ['--work-dir', str(world.folder / 'runs'), '--results', str(world.lines)]
    return file, flags


def start_child(file, flags, **options):
    words = [str(file), '--rows', 'first', '--seeds', '4', '--child', *flags]
    return subprocess.Popen(
        [sys.executable, str(TOOL), *words],
        env=dict(os.environ, OMP_NUM_THREADS='1'),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **options,
    )


@pytest.mark.slow
def test_rows_that_need_each_other_with_a_kill_in_between(places, world):
    file, flags = places
    study = load_study(file)
    runs = Runs(study, world.folder / 'runs', world.lines)
    first, second, again = study.rows
    folder = runs.folder(first, 4)
    with start_child(file, flags) as child:
        while not (folder / 'epoch_1.pth').exists():
            assert child.poll() is None
            time.sleep(0.01)
        child.kill()
    assert runs.state(first, 4, []) == 'cut' and not world.lines.exists()

    assert run.main([str(file), *flags, '--jobs', '2', '--rows', 'first']) == 0
    # In this process, for want of time; the command would start others.
    args = run.parse_args([str(file), *flags])
    for row in (second, again):
        command = run._command(row, 4, args)
        runs.carry_out(row, 4, run.provenance(command))
    before = world.lines.read_text()
    # Nothing of it is done a second time.
    assert run.main([str(file), *flags]) == 0
    assert world.lines.read_text() == before
    lines = {line['method']: line for line in world.read()}
    assert set(lines) == {'first', 'second', 'again'} and len(world.read()) == 3
    logs = [path.read_text() for path in folder.glob('*/*.log')]
    assert any('resumed epoch: ' in log for log in logs)
    assert lines['first']['train_minutes'] is None
    assert lines['second']['train_minutes'] > 0
    for name, line in lines.items():
        assert line['config_hash'] == runs.hash_of(study.row(name))
        assert line['checks']['max_difference'] <= 0.01
        assert line['checks']['num_images'] == line['num_images'] == 3
        assert set(line['per_class_iou']) == {'road', 'car', 'sky'}
        assert line['command'] == (
            f'python studies/run.py {file} --rows {name} --seeds 4 '
            f'--results {world.lines}'
        )
        if name != 'again':
            assert [entry['epoch'] for entry in line['validations']] == [1, 2, 3]
            # The test set is the validation set.
            assert line['validations'][-1]['mIoU'] == line['metrics']['mIoU']
            assert line['training']['loss'] > 0
    figures = [line['metrics']['mIoU'] for line in lines.values()]
    assert len(set(figures)) == 3
    for row in (first, second):
        left = runs.folder(row, 4)
        assert [path.name for path in left.glob('*.pth')] == ['epoch_3.pth']
        assert not (left / 'predictions').exists()


def test_a_dry_run_changes_nothing(places, world, capsys):
    file, flags = places
    before = sorted(world.folder.rglob('*'))
    assert run.main([str(file), *flags, '--dry-run', '--rows', 'second']) == 0
    assert '2 runs to do' in capsys.readouterr().out
    assert sorted(world.folder.rglob('*')) == before


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['--data', 'data/camvid'], '--data takes ROOT=FOLDER'),
        (['--data', 'a=b'], '--data needs --results'),
        (['--jobs', '0'], '--jobs must be at least 1'),
    ],
)
def test_wrong_words_are_refused(words, message, capsys):
    with pytest.raises(SystemExit):
        run.main(['study.py', *words])
    assert message in capsys.readouterr().err


def test_a_child_ends_with_the_process_that_started_it(places):
    child = (
        f'import sys, time; sys.path.insert(0, {str(ROOT)!r})\n'
        'from studies.scheduler import end_with_parent\n'
        'end_with_parent()\nprint("ready", flush=True)\ntime.sleep(60)'
    )
    starter = (
        'import subprocess, sys\n'
        f'child = subprocess.Popen([sys.executable, "-c", {child!r}],'
        ' stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)\n'
        'child.stdout.readline()\nprint(child.pid, flush=True)\nsys.stdin.read()'
    )
    with subprocess.Popen(
        [sys.executable, '-c', starter],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        pid = int(parent.stdout.readline())
        os.kill(pid, 0)
        parent.kill()
    deadline = time.monotonic() + 10
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(pid):
    status = Path(f'/proc/{pid}/stat')
    return status.exists() and status.read_text().rpartition(')')[2].split()[0] != 'Z'


def tasks(*needs):
    return [
        run.Task(Row(name, 'x.py', start={key: ['k'] for key in needed}), 0)
        for name, needed in needs
    ]


def test_runs_wait_for_what_they_need_and_are_left_out_where_it_fails(capsys):
    running, most, started = set(), [], []

    def start(task):
        started.append(task.row.name)
        running.add(task.row.name)
        most.append(len(running))
        codes = iter([None, int(task.row.name == 'bad')])

        def look():
            code = next(codes)
            if code is not None:
                running.discard(task.row.name)
            return code

        return SimpleNamespace(poll=look)

    all_tasks = tasks(
        ('a', []), ('b', ['a']), ('bad', []), ('c', ['bad']), ('d', ['c']), ('e', [])
    )
    assert not run.carry_out_all(all_tasks, 2, start)
    assert started == ['a', 'bad', 'e', 'b'] or started == ['a', 'bad', 'b', 'e']
    assert max(most) == 2
    said = capsys.readouterr().out
    assert 'bad, seed 0: failed' in said and 'b, seed 0: done' in said
    assert said.count('left out') == 2
    assert run.carry_out_all(tasks(('a', [])), 1, start)


def test_what_runs_is_ended_when_the_orchestrator_is_stopped():
    process = Mock()
    process.poll.return_value = None

    def start(task):
        if task.row.name == 'b':
            raise KeyboardInterrupt
        return process

    with pytest.raises(KeyboardInterrupt):
        run.carry_out_all(tasks(('a', []), ('b', [])), 2, start)
    process.terminate.assert_called_once()
