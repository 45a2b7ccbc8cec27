from studies.results import Results
from segda_mm.testing.toy_plan import write_toy_plan


def test_lines_of_other_configs_do_not_count(world):
    study = world.study()
    world.add(study, 'DSC', 1, metrics=dict(mIoU=2.0))
    world.add(study, 'DSC', 0, metrics=dict(mIoU=1.0))
    world.add(study, 'DSC', 2, hash='of an earlier config')
    world.add(study, 'source', 0, experiment='other', hash='of another config')
    # The experiment lists no such seed.
    world.add(study, 'source', 5)
    results = study.results()
    assert [row['metrics']['mIoU'] for row in results.of('DSC')] == [1.0, 2.0]
    assert results.num_stale == 1
    assert results.of('source') == []
    dsc = study.experiment.runs['DSC']
    assert [results.missing(dsc, seed) for seed in (0, 1, 2)] == [[], [], ['DSC']]
    assert len(world.lines.read_text().splitlines()) == 5


def test_results_become_stale_with_an_option_and_current_again_without(world):
    study = world.study()
    for seed in (0, 1):
        world.add(study, 'DSC + PL', seed)
    options = dict(study.experiment.runs['DSC'].options)
    world.content['runs']['DSC']['options'] = {'train_cfg.max_epochs': 9}
    changed = world.study().results()
    assert changed.of('DSC + PL') == [] and changed.num_stale == 2
    world.content['runs']['DSC']['options'] = options
    restored = world.study().results()
    assert len(restored.of('DSC + PL')) == 2 and restored.num_stale == 0


def test_of_two_lines_the_later_one_counts(world):
    study = world.study()
    world.add(study, 'DSC', 0, metrics=dict(mIoU=1.0))
    world.add(study, 'DSC', 0, metrics=dict(mIoU=2.0))
    (row,) = study.results().of('DSC')
    assert row['metrics']['mIoU'] == 2.0


def test_a_plan_lacks_the_rounds_without_a_line(world, tmp_path):
    plan = str(write_toy_plan(tmp_path / 'plan'))
    study = world.study(runs={'NS': dict(kind='plan', config=plan)})
    world.add(study, 'NS, supervised', 0)
    world.add(study, 'NS, round 2', 0)
    results = study.results()
    assert results.missing(study.experiment.runs['NS'], 0) == ['NS, round 1']


def test_a_run_with_the_same_config_in_another_experiment_counts(world):
    study = world.study()
    own, other = world.lines, world.folder / 'roads.jsonl'
    like = dict(experiment='roads', run='adversarial', method='adversarial')
    world.lines = other
    world.add(study, 'DSC', 0, metrics=dict(mIoU=3.0), **like)
    world.add(study, 'DSC', 1, metrics=dict(mIoU=4.0), **like)
    world.add(study, 'DSC', 2, hash='of another config', **like)
    # The round of a plan is no run.
    world.add(study, 'DSC', 2, **{**like, 'method': 'adversarial, round 1'})
    world.lines = own
    world.add(study, 'DSC', 1, metrics=dict(mIoU=5.0))
    results = study.results()
    first, second = results.of('DSC')
    assert (first['metrics']['mIoU'], second['metrics']['mIoU']) == (3.0, 5.0)
    assert (first['run'], first['method'], first['experiment']) == (
        'DSC',
        'DSC',
        'roads',
    )
    assert results.missing(study.experiment.runs['DSC'], 2) == ['DSC']
    assert results.num_stale == 0 and len(results.rows) == 1


def test_a_run_keeps_its_results_under_another_name(world):
    study = world.study()
    world.add(study, 'DSC', 0, metrics=dict(mIoU=3.0))
    runs = world.content['runs']
    runs['adversarial'] = runs.pop('DSC')
    runs['DSC + PL']['start_from']['run'] = 'adversarial'
    (row,) = world.study().results().of('adversarial')
    assert (row['run'], row['metrics']['mIoU']) == ('adversarial', 3.0)


def test_without_a_file_all_is_missing(world):
    study = world.study()
    results = Results(study.experiment, study.hashes, world.folder / 'absent.jsonl')
    assert results.of('DSC') == [] and results.num_stale == 0
