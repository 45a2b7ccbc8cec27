import pytest

from studies.experiment_error import ExperimentError
from studies.read_experiment import read_experiment
from segda_mm.testing.toy_plan import write_toy_plan


def test_a_file_becomes_runs_with_their_options(world):
    experiment = read_experiment(
        world.write(
            seeds=[2, 0],
            common_options={'train_cfg.max_epochs': 5, 'train_cfg.val_interval': 5},
        )
    )
    assert experiment.stem == 'streets'
    assert experiment.seeds == [0, 2]
    assert list(experiment.runs) == ['source', 'DSC', 'DSC + PL', 'oracle']
    assert experiment.all_results == list(experiment.runs)
    assert experiment.runs['DSC + PL'].needs == ['DSC']
    assert experiment.options_of(experiment.runs['DSC']) == {
        'train_cfg.max_epochs': 3,
        'train_cfg.val_interval': 5,
    }


def test_an_evaluation_has_the_options_of_what_it_evaluates(world):
    world.content['runs']['TTA'] = dict(
        kind='evaluation', of='DSC', tta=True, options={'tta_model.batch_size': 2}
    )
    experiment = read_experiment(world.write(common_options={'a': 1}))
    tta = experiment.runs['TTA']
    assert tta.needs == ['DSC']
    assert experiment.options_of(tta) == {
        'a': 1,
        'train_cfg.max_epochs': 3,
        'tta_model.batch_size': 2,
    }


def test_a_plan_has_one_result_a_round(world, tmp_path):
    plan = str(write_toy_plan(tmp_path / 'plan'))
    world.content['runs']['NS'] = dict(kind='plan', config=plan)
    experiment = read_experiment(world.write(common_options={'a': 1}))
    assert experiment.results['NS'] == ['NS, supervised', 'NS, round 1', 'NS, round 2']
    assert experiment.run_of('NS, round 2').name == 'NS'
    # Options that are common to trainings are not a plan's.
    assert experiment.options_of(experiment.runs['NS']) == {}


def test_a_plan_whose_teacher_is_given_has_no_result_of_it(world, tmp_path):
    plan = str(write_toy_plan(tmp_path / 'plan'))
    world.content['runs']['NS'] = dict(
        kind='plan',
        config=plan,
        start_from=dict(run='DSC', keys=['teacher.checkpoint']),
    )
    results = read_experiment(world.write()).results
    assert results['NS'] == ['NS, round 1', 'NS, round 2']


def test_a_run_can_start_from_several_others(world):
    starts = [dict(run=name, keys=['load_from']) for name in ('DSC', 'source')]
    world.content['runs']['oracle']['start_from'] = starts
    assert read_experiment(world.write()).runs['oracle'].needs == ['DSC', 'source']
    starts[1]['keys'] = []
    with pytest.raises(ExperimentError, match='oracle.start_from.1.keys is empty'):
        read_experiment(world.write())


def test_a_measurement_has_no_seeds(world):
    program = world.folder / 'count.py'
    program.write_text('')
    world.content['runs']['count'] = dict(
        kind='measurement', command=[str(program), '--size', 3]
    )
    experiment = read_experiment(world.write())
    count = experiment.runs['count']
    assert experiment.seeds_of(count) == [None]
    assert count.command == [str(program), '--size', '3']


def table(**entries):
    return [
        dict(dict(name='t', title='T', runs=['DSC'], figures=dict(mIoU='')), **entries)
    ]


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (dict(titel='x'), "titel is no key .* (did you mean 'title'?)"),
        (dict(seeds=[]), 'seeds is empty'),
        (dict(seeds=[1, 1]), "seeds: '1' names a seed twice"),
        (dict(seeds=[True]), 'seeds.0 must be a whole number'),
        (dict(selection='best'), "selection='best'"),
        (
            dict(tables=table(runs=['DSC2'])),
            "tables.0.runs names 'DSC2', .* (did you mean 'DSC'?)",
        ),
        (dict(tables=table(names='t')), 'tables.0.names is no key'),
        (dict(tables=table(per_class='IoU')), "tables.0.per_class='IoU'"),
        (dict(tables=table(name='a b')), "tables.0.name='a b' becomes part"),
        (dict(tables=table() + table()), "name: 't' names a table or plot twice"),
        (
            dict(tables=table(published=dict(source={}))),
            "tables.0.published names 'source'",
        ),
        (
            dict(tables=table(published=dict(DSC=dict(PQ=1)))),
            'tables.0.published.DSC.PQ is no column',
        ),
        (
            dict(comparisons=[dict(name='c', title='', figure='mIoU', pairs=['DSC'])]),
            'comparisons.0.pairs.0 must be',
        ),
        (
            dict(
                gaps=[
                    dict(
                        name='g',
                        title='',
                        figure='mIoU',
                        lower='source',
                        upper='oracel',
                        runs=['DSC'],
                    )
                ]
            ),
            "gaps.0.upper names 'oracel'",
        ),
        (
            dict(plots=[dict(name='p', title='', kind='pie', figure='mIoU')]),
            "plots.0.kind='pie'",
        ),
        (
            dict(plots=[dict(name='p', title='', kind='bars', figure='mIoU')]),
            'plots.0.runs is empty',
        ),
        (
            dict(
                rules=dict(
                    name='r',
                    figure='mIoU',
                    runs=['DSC'],
                    rules=dict(a=dict(figure='x', rule='smaller')),
                )
            ),
            "rules.rules.a.rule='smaller'",
        ),
        (
            dict(discussion='<<mIoU: DSC2>>'),
            "discussion: <<mIoU: DSC2>>: 'DSC2' is no result",
        ),
        (dict(tables=table(note='<<mIoU DSC>>')), 'note of t: <<mIoU DSC>>: this is'),
    ],
)
def test_wrong_entries_are_refused_with_their_key(world, content, message):
    file = world.write(**content)
    message = message.replace('(', r'\(').replace(')', r'\)').replace('?', r'\?')
    with pytest.raises(ExperimentError, match=message) as caught:
        read_experiment(file)
    assert str(caught.value).startswith(f'{file}: ')


@pytest.mark.parametrize(
    ('run', 'message'),
    [
        (dict(kind='train'), "runs.new.kind='train' must be one of 'training', "),
        (dict(), 'runs.new.config is missing'),
        (dict(config='absent.py'), 'runs.new.config names absent.py, which does not'),
        (dict(kind='evaluation'), 'runs.new.of is missing'),
        (dict(kind='evaluation', of='new'), "runs.new.of names 'new', which is of"),
        (dict(kind='evaluation', of='DSC', config='x'), "'evaluation' has no config"),
        (dict(kind='measurement', command=['absent.py']), 'runs.new.command must'),
        (dict(config='CONFIG', options=[1]), 'runs.new.options must be a dict'),
        (
            dict(config='CONFIG', start_from=dict(run='DSC', keys=[])),
            'runs.new.start_from.keys is empty',
        ),
        (
            dict(config='CONFIG', start_from=dict(run='DSX', keys=['a'])),
            "runs.new.start_from.run names 'DSX', which is no run",
        ),
        (
            dict(config='CONFIG', start_from=dict(run='new', keys=['a'])),
            'start from each other: new <- new',
        ),
    ],
)
def test_wrong_runs_are_refused_with_their_key(world, run, message):
    if run.get('config') == 'CONFIG':
        run = dict(run, config=world.config)
    world.content['runs']['new'] = run
    with pytest.raises(ExperimentError, match=message):
        read_experiment(world.write())


def test_names_that_cannot_be_told_apart_are_refused(world):
    runs = world.content['runs']
    for name, message in [
        ('DSC+PL', 'would share the folder dsc-pl'),
        ('A - B', "must not have ' - '"),
        ('+', 'letters or digits'),
    ]:
        world.content['runs'] = {**runs, name: dict(config=world.config)}
        with pytest.raises(ExperimentError, match=message):
            read_experiment(world.write())


def test_runs_that_start_from_each_other_are_refused(world):
    start = dict(run='DSC + PL', keys=['load_from'])
    world.content['runs']['DSC']['start_from'] = start
    with pytest.raises(ExperimentError, match='each other: DSC <- .* <- DSC'):
        read_experiment(world.write())


def test_an_absent_or_broken_file_is_refused(tmp_path):
    with pytest.raises(ExperimentError, match='there is no experiment'):
        read_experiment(tmp_path / 'absent.py')
    (tmp_path / 'broken.py').write_text('title = (')
    with pytest.raises(ExperimentError, match='cannot be read: SyntaxError'):
        read_experiment(tmp_path / 'broken.py')
