"""The studies of this project, without running them."""

import re

import pytest

from studies.pages import study_files
from studies.row_config import config_hash, row_config
from studies.study import load_study

STUDIES = {path.stem: path for path in study_files()}


def load(name):
    study = load_study(STUDIES[name])
    configs = {
        row.name: row_config(study, row, starts=dict.fromkeys(row.needs, 'start.pth'))
        for row in study.rows
    }
    return study, configs


def test_all_studies_are_found():
    assert set(STUDIES) == {
        'camvid_naive_student',
        'day2dusk',
        'cityscapes_paper_b',
        'drawn2real',
        'gta2cityscapes',
        'minicity_paper_b',
    }


@pytest.mark.parametrize('name', STUDIES)
def test_every_row_is_another_one_and_starts_where_it_says(name):
    study, configs = load(name)
    hashes = {config_hash(study, row) for row in study.rows}
    assert len(hashes) == len(study.rows)
    for row in study.rows:
        for keys in row.start.values():
            for key in keys:
                assert at(configs[row.name], key) == 'start.pth'


def test_rows_go_on_from_one_source_for_as_long_as_their_control():
    study, configs = load('drawn2real')
    control = configs['source, longer']
    trained = [row for row in study.rows if row.start]
    assert len(trained) == 19
    for row in trained:
        cfg = configs[row.name]
        large = ['source, large network'] if row.name == 'heavy teacher' else []
        assert row.needs == ['source', *large]
        # Without a source, an epoch is one of the target.
        epochs = control.train_cfg.max_epochs + row.name.startswith('no source')
        assert cfg.train_cfg.max_epochs == (1 if 'BatchNorm' in row.name else epochs)
        wrapper = cfg.optim_wrapper
        for part in ('generator', 'student_generator'):
            wrapper = wrapper.get(part, wrapper)
        assert wrapper.optimizer == control.optim_wrapper.optimizer
        weighs = not row.name.startswith('no source')
        assert ('class_weights' in cfg.default_hooks) == weighs
        # The data of the target have no label loader.
        images = cfg.train_dataloader.dataset
        target = images if row.name.startswith('no source') else images.get('target')
        assert target is None or 'LoadLabelIds' not in str(target.pipeline)
    for name, cfg in configs.items():
        assert 'BatchNorm' in name or cfg.default_hooks.ema.type == 'EMAHook'


def test_students_start_as_in_the_paper_on_its_data():
    study, configs = load('gta2cityscapes')
    labels, taught = configs['DSC + PL'], configs['DSC + MPL']
    assert labels.model.generator.checkpoint is None
    assert labels.custom_hooks[-1].checkpoint == 'start.pth'
    assert study.row('DSC + MPL').needs == ['DSC + PL']
    assert taught.model.student_checkpoint.checkpoint is None
    assert taught.model.teacher_checkpoint.checkpoint == 'start.pth'
    going_on = configs['DSC + PL, continued']
    assert going_on.model.generator.checkpoint == 'start.pth'
    assert 'checkpoint' not in going_on.custom_hooks[-1]
    pretrained = configs['DSC + MPL, student pretrained'].model
    assert pretrained.student_checkpoint.checkpoint == 'start.pth'
    # Figure 7.
    for name, cfg in configs.items():
        if name.startswith('DSC + PL, lr'):
            assert cfg.model.generator.checkpoint is None


def test_published_rows_of_paper_b_have_the_same_teacher():
    vistas, neither = (66.1, 38.6, 82.4), (65.3, 37.6, 82.2)
    study, configs = load('cityscapes_paper_b')
    making, material = (study.tables[index].published for index in (1, 2))
    assert making['without Val-Fine, round 1'] == vistas
    assert making['without pretraining, round 1'] == neither
    assert material['without pretraining, round 1'] == neither
    assert making['all choices, round 1'] == (67.5, 39.8, 83.7)
    for name in making.keys() | material.keys() - {'X-71'}:
        teacher = configs[name.removesuffix(', round 1')].rounds[0].teacher
        assert (teacher is None) == (name == 'without Val-Fine, round 1')
        assert teacher is None or list(teacher.labeled.more) == ['val']
    assert 'X-71, pretrained' in study.row('without Val-Fine').needs
    # Table 4: no teacher saw Mapillary Vistas.
    for name in material:
        needs = study.row(name.removesuffix(', round 1')).needs
        assert 'X-71, pretrained' not in needs
    tables = load('minicity_paper_b')[0].tables
    assert tables[2].published['train-sequence alone, round 1'] == vistas
    assert tables[2].published['supervised'] == tables[0].published['supervised']


@pytest.mark.parametrize(
    ('world', 'parts'),
    [
        ('cityscapes', 'labels|frames'),
        ('minicity', 'frames'),
    ],
)
def test_shares_are_compared_at_equal_steps(world, parts):
    study, configs = load(f'{world}_paper_b')
    shares = [row for row in configs if re.fullmatch(rf'.* % of the ({parts})', row)]
    assert len(shares) == (7 if 'labels' in parts else 3)
    for name in (*shares, f'all {parts.split("|")[0]}'):
        cfg = configs[name]
        assert cfg.by_step and cfg.teacher.steps
        assert all(part.student.steps for part in cfg.rounds)
    drawn = {
        name for plot in study.plots for line in plot.rows.values() for name in line
    }
    whole = {name for name in drawn if name.startswith('all ')}
    assert {f'{name}, round 1' for name in shares} | whole <= drawn and whole


def at(cfg, key):
    for part in key.split('.'):
        cfg = cfg[int(part) if part.isdigit() else part]
    return cfg
