"""What is done of a study, and what is to be done."""

import pytest

from studies.study import StudyError


def keys(runs, *chosen):
    return [task.key for task in runs.tasks(runs.choose(*chosen))]


def finish(runs, name, seed):
    folder = runs.folder(runs.study.row(name), seed)
    folder.mkdir(parents=True)
    (folder / 'epoch_1.pth').write_text('')
    (folder / 'last_checkpoint').write_text('/moved/from/elsewhere/epoch_1.pth')
    (folder / 'trained.json').write_text('{"minutes": 1}')
    return folder


def test_what_is_needed_comes_first_and_what_is_done_is_left_out(world):
    runs = world.runs()
    every = ['source', 'DSC', 'DSC + PL', 'DSC, TTA']
    assert keys(runs) == [(name, seed) for seed in (0, 1, 2) for name in every]
    assert keys(runs, [2], ['DSC + PL']) == [('DSC', 2), ('DSC + PL', 2)]
    present = runs.hash_of(runs.study.row('DSC'))
    world.add('DSC', 2, present)
    assert keys(runs, [2], ['DSC']) == []
    # Its line is there, but its checkpoint is on another machine.
    assert keys(runs, [2], ['DSC + PL']) == [('DSC', 2), ('DSC + PL', 2)]
    folder = finish(runs, 'DSC', 2)
    assert runs.checkpoint(runs.study.row('DSC'), 2) == folder / 'epoch_1.pth'
    assert keys(runs, [2], ['DSC + PL']) == [('DSC + PL', 2)]


def test_the_overview_tells_states_and_minutes(world):
    runs = world.runs(world.study(seeds=(0, 1)))
    world.add('source', 0, runs.hash_of(runs.study.row('source')), minutes=5.0)
    world.add('DSC', 0, 'another')
    folder = finish(runs, 'DSC', 1)
    (folder / 'trained.json').unlink()
    lines = [
        line.split() for line in runs.overview(runs.choose(None, None)).splitlines()
    ]
    assert lines[0] == ['seed', '0', 'seed', '1', 'minutes']
    assert lines[1] == ['source', 'done', 'missing', '5']
    assert lines[2] == ['DSC', 'changed', 'cut', '2']
    assert lines[-1] == ['7', 'runs', 'to', 'do']
    kept = world.runs(keep_changed=True)
    assert keys(kept, [0], ['DSC']) == [] and keys(runs, [0], ['DSC'])


def test_a_line_of_another_study_with_the_same_config_is_taken(world):
    runs = world.runs()
    source = runs.study.row('source')
    other = world.lines.with_name('roads.jsonl')
    world.add(
        'source', 1, runs.hash_of(source), file=other, run='plain', method='plain'
    )
    runs.reuse(runs.choose(None, None))
    (line,) = world.read()
    assert (line['run'], line['method'], line['seed']) == ('source', 'source', 1)
    assert line['taken_from'] == 'roads'
    runs.reuse(runs.choose(None, None))
    assert len(world.read()) == 1


def test_unknown_seeds_and_rows_are_refused(world):
    runs = world.runs()
    with pytest.raises(StudyError, match='--seeds 3: streets has .0, 1, 2'):
        runs.choose([3], None)
    with pytest.raises(StudyError, match="no row 'DSX'"):
        runs.choose(None, ['DSX'])
