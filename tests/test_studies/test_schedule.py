import json
import os
import signal
import subprocess
import time
from types import SimpleNamespace

import pytest

from studies import schedule
from studies.experiment_error import ExperimentError
from studies.progress import progress_table
from studies.schedule import choose, expected_minutes, run_tasks, tasks_for


def keys(tasks):
    return [(task.run.name, task.seed, task.state) for task in tasks]


def todo(study, seeds=None, only=None):
    return keys(tasks_for(study, study.results(), choose(study, seeds, only)))


def finish(study, run, seed):
    folder = study.folder(study.experiment.runs[run], seed)
    folder.prepare()
    folder.begin('last_checkpoint')
    (folder.path / 'epoch_1.pth').write_text('')
    (folder.path / 'last_checkpoint').write_text('epoch_1.pth')
    folder.finish()
    return folder


def test_all_runs_of_the_lowest_seed_come_first(world):
    program = world.folder / 'count.py'
    program.write_text('')
    world.content['runs'] = {
        'DSC + PL': world.content['runs']['DSC + PL'],
        'DSC': world.content['runs']['DSC'],
        'count': dict(kind='measurement', command=[str(program)]),
    }
    study = world.study(seeds=[1, 0])
    assert todo(study) == [
        ('count', None, 'missing'),
        # What another one starts from comes first.
        ('DSC', 0, 'missing'),
        ('DSC + PL', 0, 'missing'),
        ('DSC', 1, 'missing'),
        ('DSC + PL', 1, 'missing'),
    ]


def test_only_what_is_missing_and_what_it_needs(world):
    study = world.study()
    assert todo(study, [2], ['DSC + PL']) == [
        ('DSC', 2, 'missing'),
        ('DSC + PL', 2, 'missing'),
    ]
    world.add(study, 'DSC', 2)
    # Its results are there, but its checkpoint is on another machine.
    assert todo(study, [2], ['DSC + PL']) == [
        ('DSC', 2, 'again'),
        ('DSC + PL', 2, 'missing'),
    ]
    assert todo(study, [2], ['DSC']) == []
    folder = finish(study, 'DSC', 2)
    assert todo(study, [2], ['DSC + PL']) == [('DSC + PL', 2, 'missing')]
    world.add(study, 'DSC + PL', 2)
    (folder.path / 'epoch_1.pth').unlink()
    assert todo(study, [2], ['DSC + PL']) == []


def test_a_checkpoint_of_the_same_config_in_another_experiment_serves(world):
    study = world.study()
    world.add(study, 'DSC', 2)
    like = study.experiment.runs['DSC']
    elsewhere = study.work_dir / 'roads' / 'adversarial' / 'seed2'
    elsewhere.parent.mkdir(parents=True)
    finish(study, 'DSC', 2).path.rename(elsewhere)
    assert study.folder(like, 2).last_checkpoint() is None
    assert study.checkpoint(like, 2) == elsewhere / 'epoch_1.pth'
    assert study.checkpoint(like, 1) is None
    assert todo(study, [2], ['DSC + PL']) == [('DSC + PL', 2, 'missing')]
    world.content['runs']['DSC']['options'] = {'train_cfg.max_epochs': 9}
    changed = world.study()
    assert changed.checkpoint(changed.experiment.runs['DSC'], 2) is None


def test_a_run_with_a_checkpoint_is_cut(world):
    study = world.study()
    folder = study.folder(study.experiment.runs['DSC'], 0)
    folder.prepare()
    (folder.path / 'epoch_1.pth').write_text('')
    assert ('DSC', 0, 'cut') in todo(study)


def test_unknown_seeds_and_runs_are_refused(world):
    study = world.study()
    with pytest.raises(ExperimentError, match='--seeds 3: .* has .0, 1, 2'):
        choose(study, [3])
    with pytest.raises(ExperimentError, match="--only 'DSX' is no run"):
        choose(study, None, ['DSX'])


def test_minutes_are_guessed_from_what_is_most_alike(world):
    world.content['runs']['DSC']['minutes'] = 7
    study = world.study()
    runs = study.experiment.runs
    assert expected_minutes(runs['DSC'], study.results()) == 7
    assert expected_minutes(runs['source'], study.results()) is None
    world.add(study, 'oracle', 0, train_minutes=3.0)
    # The others have the same config file.
    assert expected_minutes(runs['source'], study.results()) == 3
    world.add(study, 'source', 0, minutes=5.0)
    world.add(study, 'source', 1, minutes=6.0, hash='of another config')
    assert expected_minutes(runs['source'], study.results()) == 5.5


def test_the_table_of_what_is_done(world):
    world.content['runs']['DSC']['minutes'] = 7
    study = world.study(seeds=[0, 1])
    world.add(study, 'source', 0, minutes=5.0)
    world.add(study, 'DSC', 1, minutes=4.0)
    chosen = choose(study)
    results = study.results()
    tasks = tasks_for(study, results, chosen)
    text = progress_table(study, results, chosen, tasks, jobs=2)
    lines = [line.split() for line in text.splitlines()]
    assert lines[0] == ['run', 'seed', '0', 'seed', '1', 'minutes', 'each']
    assert lines[1] == ['source', 'done', 'missing', '5.0']
    assert lines[2] == ['DSC', 'missing', 'again', '4.0']
    # One of source, two of DSC; DSC + PL and oracle are of the same config file.
    mean = (5 + 4) / 2
    total = 5 + 2 * 4 + 4 * mean
    assert text.splitlines()[-1] == (
        f'7 runs to do: {total:.1f} minutes; {total / 2:.1f} with 2 at once'
    )


TOOL = """
import argparse, json, os, pathlib, sys, time
sys.path.insert(0, {tests!r})
parser = argparse.ArgumentParser()
parser.add_argument('experiment')
for name in ('carry-out', 'seed', 'work-dir', 'results', 'parent'):
    parser.add_argument('--' + name)
args = parser.parse_args()
note = pathlib.Path({notes!r}, f'{{args.carry_out}} {{args.seed}}.json')
begin = time.time()
assert int(args.parent) == os.getppid()
time.sleep({seconds})
print('the last words')
if args.carry_out == 'DSC' and args.seed == '1':
    sys.exit(2)
note.write_text(json.dumps(
    dict(begin=begin, end=time.time(), threads=os.environ['OMP_NUM_THREADS'])))
"""


@pytest.fixture
def stand_in(world, monkeypatch):
    """A tool in the place of studies/run.py that notes when it ran."""

    def place(seconds):
        notes = world.folder / 'notes'
        notes.mkdir()
        tool = world.folder / 'tools' / 'experiment.py'
        tool.parent.mkdir()
        tool.write_text(
            TOOL.format(tests=str(world.folder), notes=str(notes), seconds=seconds)
        )
        monkeypatch.chdir(world.folder)
        return notes

    return place


def test_runs_share_the_cores_and_wait_for_what_they_need(world, stand_in):
    notes = stand_in(seconds=0.3)
    study = world.study(seeds=[0])
    said = []
    tasks = tasks_for(study, study.results(), choose(study))
    assert run_tasks(study, tasks, jobs=3, say=said.append)
    ran = {path.stem: json.loads(path.read_text()) for path in notes.iterdir()}
    assert set(ran) == {'source 0', 'DSC 0', 'DSC + PL 0', 'oracle 0'}
    assert ran['DSC + PL 0']['begin'] >= ran['DSC 0']['end']
    moments = [note['begin'] for note in ran.values()]
    at_once = [
        sum(note['begin'] <= moment < note['end'] for note in ran.values())
        for moment in moments
    ]
    assert max(at_once) == 3
    cores = len(os.sched_getaffinity(0))
    assert {note['threads'] for note in ran.values()} == {str(max(1, cores // 3))}
    assert said[:2] == ['source, seed 0: begins', 'DSC, seed 0: begins']
    assert said[-1] == 'DSC + PL, seed 0: done (4 of 4)'


def test_a_failure_takes_what_needs_it_along_and_nothing_else(world, stand_in):
    notes = stand_in(seconds=0)
    study = world.study(seeds=[0, 1])
    said = []
    tasks = tasks_for(study, study.results(), choose(study))
    assert not run_tasks(study, tasks, jobs=3, say=said.append)
    names = {path.stem for path in notes.iterdir()}
    assert names == {
        'source 0',
        'DSC 0',
        'DSC + PL 0',
        'oracle 0',
        'source 1',
        'oracle 1',
    }
    output = study.folder(study.experiment.runs['DSC'], 1).output
    assert f'DSC, seed 1: failed; {output} ends with: the last words' in said
    assert 'DSC + PL, seed 1: left out, because DSC failed' in said


def test_children_end_with_the_call(world, stand_in, monkeypatch):
    stand_in(seconds=30)
    children = []

    def start(*args, **kwargs):
        children.append(subprocess.Popen(*args, **kwargs))
        return children[-1]

    monkeypatch.setattr(
        schedule, 'subprocess', SimpleNamespace(Popen=start, DEVNULL=subprocess.DEVNULL)
    )
    study = world.study(seeds=[0])
    tasks = tasks_for(study, study.results(), choose(study, None, ['source']))
    begin = time.monotonic()

    def stop(text):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_tasks(study, tasks, jobs=1, say=stop)
    assert time.monotonic() - begin < 20
    assert [child.returncode for child in children] == [-signal.SIGTERM]
