"""The studies of this project, without running them."""

import re
from pathlib import Path

import pytest
from mmengine.config import Config

from studies.adaptation import methods_of
from studies.components import MEAN_TEACHER_PARTS, UNLABELED_LOSSES
from studies.pages import study_files
from studies.row_config import config_hash, row_config
from studies.study import load_study
from studies.worlds import CAMVID, GTA2CITYSCAPES, MINICITY

STUDIES = {path.stem: path for path in study_files()}


def load(name):
    study = load_study(STUDIES[name])
    configs = {
        row.name: row_config(study, row, starts=dict.fromkeys(row.needs, 'start.pth'))
        for row in study.rows
    }
    return study, configs


def test_all_studies_are_found():
    worlds = ('drawn2real', 'minicity', 'camvid', 'gta2cityscapes', 'cityscapes')
    assert len(STUDIES) == 13
    assert all(name.startswith(worlds) for name in STUDIES)


@pytest.mark.parametrize('name', STUDIES)
def test_every_row_is_another_one_and_starts_where_it_says(name):
    study, configs = load(name)
    hashes = {config_hash(study, row) for row in study.rows}
    assert len(hashes) == len(study.rows)
    for row in study.rows:
        for keys in row.start.values():
            for key in keys:
                assert at(configs[row.name], key) == 'start.pth'


@pytest.mark.parametrize(
    ('name', 'world', 'channels'),
    [
        ('camvid_day2dusk', CAMVID, (32, 64, 128)),
        ('minicity_game2real', MINICITY, (32, 64, 128)),
        ('gta2cityscapes', GTA2CITYSCAPES, (128, 256, 512)),
    ],
)
def test_methods_differ_in_what_their_names_say(name, world, channels):
    study, configs = load(name)
    methods = methods_of(world)
    for method in ('source-only', *methods):
        plain = types(configs[method])
        assert 'PhotoMetricDistortion' not in plain
        distorted = [*plain[:-1], 'PhotoMetricDistortion', 'PackSegInputs']
        assert types(configs[f'{method} + aug']) == distorted
    for method in ('source-only', 'DSC', 'DSC + PL', 'mean teacher'):
        look = types(configs[f'{method} + target look'])
        resized = look.index('Resize') + 1
        assert look[resized] == 'ColorStatistics'
        look.pop(resized)
        assert look == types(configs[f'{method} + aug'])
        for end, hooked in (('target look', True), ('aug', False)):
            hooks = configs[f'{method} + {end}'].default_hooks
            assert ('adaptive_batch_norm' in hooks) == hooked
    for row in study.rows:
        kind = methods.get(row.name.removesuffix(' + aug'))
        if kind is not None:
            end = ' + aug' if row.name.endswith(' + aug') else ''
            assert row.needs == ([kind.after + end] if kind.after else [])
            # The data of the target have no label loader.
            target = configs[row.name].train_dataloader.dataset.target
            assert 'LoadLabelIds' not in [step.type for step in target.pipeline]
    assert study.row('DSC + PL + target look, long').needs == [
        'DSC + target look, long'
    ]
    for cfg in configs.values():
        generator = cfg.model.get('generator')
        network = cfg.model if generator is None else generator.segmentor
        assert tuple(network.backbone.context_channels) == channels
        if channels == (32, 64, 128) and 'discriminator' in cfg.model:
            assert cfg.model.discriminator.channels == (16, 32, 64, 128, 1)
    epochs = {key: cfg.train_cfg.max_epochs for key, cfg in configs.items()}
    for method in ('source-only', 'FCD', 'DSC', 'mean teacher', 'oracle'):
        assert epochs[method] == epochs['source-only + aug']
    for key, cfg in configs.items():
        if key.endswith(', long'):
            assert epochs[key] == 3 * epochs[key.removesuffix(', long')]
            assert cfg.train_cfg.val_interval == epochs[key.removesuffix(', long')]
        rules = cfg.param_scheduler
        assert rules[0].end == epochs[key] + 1


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
    for name, cfg in load('gta2cityscapes_paper_a')[1].items():
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
    assert not load('camvid_paper_b')[0].tables[1].published


@pytest.mark.parametrize(
    ('world', 'parts'),
    [
        ('cityscapes', 'labels|frames'),
        ('camvid', 'labels|frames'),
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


@pytest.mark.parametrize('name', ['camvid_components', 'minicity_components'])
def test_components_are_what_their_names_say(name):
    _, configs = load(name)
    models = {key: cfg.model for key, cfg in configs.items()}
    plain = configs['source-only + aug'].train_dataloader.dataset
    rare = configs['rare classes'].train_dataloader.dataset
    assert rare.type == 'RareClassDataset' and rare.dataset == plain
    styled = types(configs['Fourier style'])
    assert styled.pop(styled.index('Resize') + 1) == 'FourierStyle'
    assert styled == types(configs['source-only + aug'])
    assert types(configs['camera effects'])[-2] == 'CameraEffects'
    for key, loss in UNLABELED_LOSSES.items():
        assert models[key].adv_weight == 0
        assert models[key].unlabeled_losses == [loss]
    for key, part, kind in (
        ('CutMix', 'mixing', 'CutMix'),
        ('no mixing', 'mixing', None),
        ('pixel weights', 'pseudo_labeler', 'PixelConfidence'),
        ('median weights', 'pseudo_labeler', 'ClassMedian'),
        ('no strong augmentation', 'augmentation', None),
    ):
        model = models[f'mean teacher, {key}'].copy()
        changed = model.pop(part)
        assert (changed and changed.type) == kind
        whole = models['mean teacher'].copy()
        del whole[part]
        assert model == whole
    pretrained = models['mean teacher, pretrained']
    assert pretrained.generator.checkpoint == 'start.pth'
    medians = models['mean teacher, median weights'].pseudo_labeler
    assert models['mean teacher, pretrained, median weights'] == dict(
        pretrained, pseudo_labeler=medians
    )
    epochs = {key: cfg.train_cfg.max_epochs for key, cfg in configs.items()}
    assert epochs['DSC, twice as long'] == (
        epochs['DSC + aug'] + epochs['mean teacher, pretrained']
    )
    scratch = models['MPL, student from scratch']
    assert scratch.student_checkpoint is None
    assert scratch.teacher_checkpoint.checkpoint == 'start.pth'


def test_what_helped_together_is_shipped_as_it_was_measured():
    medians = MEAN_TEACHER_PARTS['median weights']['model.pseudo_labeler']
    shipped = sorted(Path('configs/mean_teacher').glob('mean-teacher-median_*.py'))
    assert len(shipped) == 3
    for config in shipped:
        model = Config.fromfile(config).model
        assert dict(model.pseudo_labeler, _delete_=True) == medians


def at(cfg, key):
    for part in key.split('.'):
        cfg = cfg[int(part) if part.isdigit() else part]
    return cfg


def types(cfg):
    dataset = cfg.train_dataloader.dataset
    return [step.type for step in dataset.get('source', dataset).pipeline]
