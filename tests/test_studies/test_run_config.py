import shutil
from pathlib import Path

import pytest

from studies.experiment_error import ExperimentError
from studies.read_experiment import read_experiment
from studies.run_config import config_hashes, run_config
from segda_mm.testing.toy_plan import write_toy_plan


def test_options_seed_and_start_reach_the_config(world, tmp_path):
    experiment = read_experiment(
        world.write(common_options={'optim_wrapper': dict(optimizer=dict(lr=0.5))})
    )
    cfg = run_config(
        experiment,
        experiment.runs['DSC + PL'],
        tmp_path / 'here',
        7,
        dict(DSC='start.pth'),
    )
    assert cfg.optim_wrapper.optimizer.lr == 0.5
    assert cfg.optim_wrapper.optimizer.momentum == 0.9
    assert cfg.randomness.seed == 7
    assert cfg.load_from == 'start.pth'
    assert cfg.work_dir == str(tmp_path / 'here')


def test_runs_of_one_config_do_not_change_each_other(world, tmp_path):
    world.content['runs']['DSC']['options'] = {'optim_wrapper.optimizer.lr': 0.5}
    experiment = read_experiment(world.write())
    source, dsc, again = (
        run_config(experiment, experiment.runs[name], tmp_path / name, 0)
        for name in ('source', 'DSC', 'source')
    )
    assert dsc.optim_wrapper.optimizer.lr == 0.5
    assert source.to_dict() == again.to_dict()
    assert source.optim_wrapper.optimizer.lr == 0.01


def test_an_option_that_nothing_reads_is_refused_with_its_run(world, tmp_path):
    world.content['runs']['DSC']['options'] = {'train_cfg.max_epoch': 3}
    experiment = read_experiment(world.write())
    with pytest.raises(ExperimentError, match='runs.DSC: .*max_epoch'):
        run_config(experiment, experiment.runs['DSC'], tmp_path, 0)


def hashes(world, **content):
    return config_hashes(read_experiment(world.write(**content)))


def test_hashes_are_of_what_a_run_depends_on(world):
    before = hashes(world)
    assert len({*before.values()}) == 3
    # Of `oracle`, nothing but the seed differs.
    assert before['source'] == before['oracle']
    assert hashes(world, seeds=[5], title='Other') == before
    world.content['runs']['DSC']['options'] = {'train_cfg.max_epochs': 4}
    after = hashes(world)
    assert {name for name in before if before[name] != after[name]} == {
        'DSC',
        'DSC + PL',
    }
    assert hashes(world, common_options={'train_dataloader.batch_size': 1}).keys() == (
        before.keys()
    )


def test_a_config_that_says_the_same_in_other_words_has_the_same_hash(world):
    before = hashes(world)
    config = Path(world.config)
    config.write_text(config.read_text() + '\n# A comment.\n')
    assert hashes(world) == before
    config.write_text(config.read_text().replace('lr=0.01', 'lr=0.02'))
    after = hashes(world)
    assert not {*before.values()} & {*after.values()}


def test_an_evaluation_depends_on_the_training_and_on_how_it_is_done(world):
    world.content['runs']['TTA'] = dict(kind='evaluation', of='DSC', tta=True)
    before = hashes(world)
    world.content['runs']['TTA']['tta'] = False
    plain = hashes(world)
    assert plain['TTA'] != before['TTA'] and plain['DSC'] == before['DSC']
    world.content['runs']['DSC']['options'] = {'train_cfg.max_epochs': 4}
    assert hashes(world)['TTA'] != plain['TTA']


def test_a_plan_depends_on_the_configs_that_it_names(world, tmp_path):
    plan = write_toy_plan(tmp_path / 'plan')
    world.content['runs'] = {'NS': dict(kind='plan', config=str(plan))}
    before = hashes(world)
    trained = plan.parent / 'tiny.py'
    trained.write_text(trained.read_text().replace('lr=0.01', 'lr=0.02'))
    assert hashes(world) != before


def test_hashes_do_not_depend_on_where_the_project_lies(world, tmp_path):
    before = hashes(world)
    moved = tmp_path / 'moved'
    moved.mkdir()
    shutil.copy(world.config, moved / 'toy.py')
    world.content['runs'] = {
        name: dict(run, config=str(moved / 'toy.py'))
        for name, run in world.content['runs'].items()
    }
    assert hashes(world) == before
