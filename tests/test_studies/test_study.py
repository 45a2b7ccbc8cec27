"""What a study may say, and the configs that its rows get."""

import pytest
from mmengine.config import Config

from segda_mm.testing.toy_plan import write_toy_plan
from studies.row_config import config_hash, row_config
from studies.study import Gap, Row, StudyError, Table, load_study


@pytest.mark.parametrize(
    ('parts', 'message'),
    [
        (dict(seeds=(1, 1)), 'seeds must be different numbers'),
        (
            dict(rows=[Row('a', 'x.py'), Row('a', 'x.py')]),
            "two rows are called 'a'",
        ),
        (
            dict(rows=[Row('PL', 'x.py', start={'DSC': ['k']}), Row('DSC', 'x.py')]),
            "row 'PL' needs 'DSC', which is no row above it",
        ),
        (
            dict(rows=[Row('p', 'x.py', plan=True), Row('q', of='p')]),
            "row 'q' needs 'p', which is no training",
        ),
        (
            dict(tables=[Table('T', ['DSX'], {'mIoU': 'mIoU'})]),
            "no row has the result 'DSX'",
        ),
        (dict(gaps=[Gap('G', 'source', 'oracle', [])]), "result 'oracle'"),
    ],
)
def test_what_is_wrong_is_named(world, parts, message):
    with pytest.raises(StudyError, match=message):
        world.study(**parts)


def test_results_of_a_plan_are_its_rounds():
    plan = Row('NS', 'plan.py', plan=True)
    assert plan.owns('NS, supervised') and plan.owns('NS, round 12')
    assert not plan.owns('NS') and not plan.owns('NS, round x')
    assert not Row('NS').owns('NS, round 1')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (None, 'there is no study'),
        ('x = 1', 'must bind a Study'),
        ('from studies.study import Study\nstudy = Study(titel=1)', 'titel'),
    ],
)
def test_a_wrong_file_is_named(tmp_path, text, message):
    file = tmp_path / 'wrong.py'
    if text is not None:
        file.write_text(text)
    with pytest.raises(StudyError, match=f'wrong.py.*{message}|{message}.*wrong.py'):
        load_study(file)


def test_changes_are_made_in_their_order(world):
    def double(cfg):
        cfg.train_cfg.max_epochs *= 2

    rows = [
        Row('a', world.config, [double, {'optim_wrapper.optimizer.lr': 0.5}]),
        Row('b', of='a', changes=[double]),
    ]
    study = world.study(rows=rows, changes=[{'train_cfg.max_epochs': 5}])
    cfg = row_config(study, rows[0], 'work', seed=7)
    assert (cfg.train_cfg.max_epochs, cfg.optim_wrapper.optimizer.lr) == (10, 0.5)
    assert (cfg.randomness.seed, cfg.work_dir) == (7, 'work')
    assert row_config(study, rows[1]).train_cfg.max_epochs == 20
    # A file that two rows have stays as it is.
    assert row_config(study, rows[0]).train_cfg.max_epochs == 10


def test_starts_and_moved_data(world):
    study = world.study()
    data = f'{world.folder}/data'
    cfg = row_config(
        study, study.row('DSC + PL'), starts={'DSC': 'a.pth'}, moved={data: '/mine'}
    )
    assert cfg.load_from == 'a.pth'
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        assert cfg[loader].dataset.data_root == '/mine'


def test_data_of_the_trainings_of_a_plan_move_too(world, tmp_path):
    plan = Row('NS', str(write_toy_plan(tmp_path / 'plan')), plan=True)
    moved = {f'{tmp_path}/plan/data': '/mine'}
    cfg = row_config(world.study(rows=[plan]), plan, moved=moved)
    assert cfg.unlabeled.others.images.data_root == '/mine'
    for training in (cfg.teacher, *(part.student for part in cfg.rounds)):
        own = Config.fromfile(training.config)
        own.merge_from_dict(training.options)
        assert own.train_dataloader.dataset.data_root == '/mine'
        assert own.train_dataloader.dataset.type == 'CamVidDataset'


def test_a_change_that_does_not_fit_names_its_row(world):
    rows = [Row('a', world.config, [lambda cfg: cfg.no_such.key])]
    with pytest.raises(StudyError, match="row 'a' does not fit .*toy.py"):
        row_config(world.study(rows=rows), rows[0])
    with pytest.raises(StudyError, match='there is no config gone.py'):
        row_config(world.study(), Row('b', 'gone.py'))


def test_the_hash_is_of_all_that_a_result_depends_on(world):
    study = world.study()
    hashes = {row.name: config_hash(study, row) for row in study.rows}
    assert len(set(hashes.values())) == 4
    again = world.study()
    assert {row.name: config_hash(again, row) for row in again.rows} == hashes
    # What a row starts from is a part of it.
    world.rows[1] = Row('DSC', world.config, [{'train_cfg.max_epochs': 4}])
    other = world.study()
    changed = {
        row.name for row in other.rows if config_hash(other, row) != hashes[row.name]
    }
    assert changed == {'DSC', 'DSC + PL', 'DSC, TTA'}
    moved = {f'{world.folder}/data': '/mine'}
    assert config_hash(study, study.rows[0], moved) != hashes['source']
