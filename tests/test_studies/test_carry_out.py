"""Runs in this process; trainings in several are in test_tools/test_experiment.py."""

import json

import pytest

from studies.carry_out import carry_out, find_run
from studies.experiment_error import ExperimentError
from segda_mm.testing.toy_plan import write_toy_plan


def rows(study):
    return [json.loads(line) for line in study.results_file.read_text().splitlines()]


def measurement(world, text):
    program = world.folder / 'count.py'
    program.write_text(text)
    command = [str(program), '--scale', '2']
    study = world.study(runs=dict(count=dict(kind='measurement', command=command)))
    return study, study.experiment.runs['count']


def test_a_measurement_gives_the_figures_of_its_last_line(world, capfd):
    study, run = measurement(
        world,
        'import sys, json\nprint("a note")\n'
        'print(json.dumps(dict(size=3 * int(sys.argv[2]))))\nprint()',
    )
    (row,) = carry_out(study, run, None)
    assert rows(study) == [row]
    assert row['metrics'] == dict(size=6)
    assert (row['method'], row['seed'], row['data_hash']) == ('count', None, None)
    assert row['command'].endswith('streets.py --only count')
    assert row['environment']['threads'] >= 1
    assert study.results().of('count') == [row]
    assert 'a note' in capfd.readouterr().out


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('print("done")', "must be a JSON object of figures, but is 'done'"),
        ('print([1])', 'must be a JSON object'),
        ('raise SystemExit(3)', '--scale 2 ended with 3'),
    ],
)
def test_a_measurement_without_figures_is_refused(world, text, message):
    study, run = measurement(world, text)
    with pytest.raises(ExperimentError, match=message):
        carry_out(study, run, None)
    assert not study.results_file.exists()


def test_without_the_checkpoint_that_it_needs_a_run_is_refused(world):
    study = world.study()
    run = study.experiment.runs['DSC + PL']
    with pytest.raises(ExperimentError, match='needs the checkpoint of DSC with seed'):
        carry_out(study, run, 0)


def test_runs_and_seeds_by_their_names(world):
    study = world.study()
    assert find_run(study, 'DSC', 2) == (study.experiment.runs['DSC'], 2)
    with pytest.raises(ExperimentError, match="no run 'DSX'"):
        find_run(study, 'DSX', 0)
    with pytest.raises(ExperimentError, match='DSC with seed None: its seeds are'):
        find_run(study, 'DSC', None)


def test_an_evaluation_again_and_a_checkpoint_that_is_made_once_more(world):
    world.content['runs'] = {
        'one': dict(config=world.config, options={'train_cfg.max_epochs': 1}),
        'TTA': dict(kind='evaluation', of='one', tta=True),
    }
    study = world.study(seeds=[4])
    one, tta = study.experiment.runs.values()
    carry_out(study, one, 4)
    carry_out(study, tta, 4)
    plain, averaged = rows(study)
    assert plain['metrics'] != averaged['metrics']
    assert averaged['config'] == world.config and 'train_minutes' not in averaged
    assert plain['checks']['max_difference'] < 0.01
    assert averaged['checks']['max_difference'] < 0.01

    folder = study.folder(one, 4)
    checkpoint = folder.last_checkpoint()
    checkpoint.unlink()
    assert carry_out(study, one, 4) == []
    assert folder.last_checkpoint() == checkpoint
    assert len(rows(study)) == 2


def test_a_plan_gives_one_result_a_round(world, tmp_path):
    plan = write_toy_plan(tmp_path / 'plan')
    student = dict(config=str(plan.parent / 'tiny.py'), steps=1)
    options = {
        'teacher.steps': 1,
        'rounds': [dict(student=student)],
        'labeling.tta': False,
        'unlabeled.others.ego_car': None,
    }
    run = dict(kind='plan', config=str(plan), options=options)
    study = world.study(runs=dict(NS=run), seeds=[1])
    run = study.experiment.runs['NS']
    carry_out(study, run, 1)
    found = rows(study)
    assert [row['method'] for row in found] == study.experiment.all_results
    assert all(row['seed'] == 1 and row['num_images'] == 2 for row in found)
    assert set(found[1]['labels']) == {'others'} and found[0]['labels'] == {}
    assert set(found[0]['per_class_iou']) >= {'Sky', 'Road'}
    # A line that was lost comes back, and nothing is trained for it.
    lines = study.results_file.read_text().splitlines(keepends=True)
    study.results_file.write_text(''.join(lines[:1] + lines[2:]))
    (again,) = carry_out(study, run, 1)
    assert again['method'] == 'NS, round 1'
    assert again['metrics'] == found[1]['metrics']
